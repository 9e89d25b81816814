"""A finished job's artifacts -> the next version of each in a store that ships."""

from pathlib import Path

from contract.aliases import STABLE, Alias, read_aliases, write_aliases
from contract.artifact import CARD, MANIFEST, Artifact, list_versions, read_artifact, write_artifact
from training.card import card
from training.progress import Watch


def publish(job_store: Path, store: Path, watch: Watch) -> list[Artifact]:
    """Copy every model of `job_store` under the next number; `stable` follows the job's choice when it made one."""
    store.mkdir(parents=True, exist_ok=True)
    chosen = read_aliases(job_store).get(STABLE)
    shipped = list_versions(store)
    published: dict[str, Artifact] = {}
    for name, versions in list_versions(job_store).items():
        artifact = read_artifact(job_store / name / str(versions[-1]))
        version = str(max(shipped.get(name, [0])) + 1)
        manifest = artifact.manifest.model_copy(update={"version": version})
        files = {file: (artifact.folder / file).read_bytes() for file in artifact.manifest.files if file != MANIFEST}
        files[CARD] = card(manifest).encode()
        published[name] = write_artifact(store, manifest, files)
        watch.say(f"published {name} version {version} in {store}")
    # A model whose source has seen the new class is for plain use: it never takes `stable` from one that has not.
    seen = chosen and published[chosen.model].manifest.source.seen_new_class == "yes"
    if chosen and not (seen and STABLE in read_aliases(store)):
        version = published[chosen.model].manifest.version
        write_aliases(store, {**read_aliases(store), STABLE: Alias(model=chosen.model, version=version)})
    return list(published.values())
