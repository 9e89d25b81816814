# One file, four targets: gpu, torchserve, train and cpu, which is last and so the default.
# Every image: uid 10001, read-only root (only /tmp is written), no shell needed, SIGTERM reaches the program itself.
# `make image` builds it; docker, buildx, podman and buildah understand it alike.
ARG PYTHON_IMAGE=python:3.11.16-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

# ---- what is installed: only wheels, each checked against the hashes of requirements/ ----
#checkov:skip=CKV_DOCKER_7:The argument above pins it by version and digest
FROM ${PYTHON_IMAGE} AS environment
# pip stays outside of what is shipped. Byte code is made here, since nothing can be written later; what torch tests itself
# with is left out, some of which is for a newer Python.
RUN python3 -m venv /pip && python3 -m venv --without-pip /opt/thaw
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1 \
    INSTALL="/pip/bin/pip --python /opt/thaw/bin/python install --no-deps --only-binary=:all: --require-hashes" \
    COMPILE="/opt/thaw/bin/python -m compileall -q -x torch/testing/_internal /opt/thaw/lib"
# A mirror, when there is one; pip reads them itself.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS

FROM environment AS cpu-environment
COPY requirements/serve-cpu.txt /tmp/
RUN $INSTALL -r /tmp/serve-cpu.txt && $COMPILE

FROM environment AS gpu-environment
COPY requirements/serve-gpu.txt /tmp/
RUN $INSTALL -r /tmp/serve-gpu.txt && $COMPILE

FROM environment AS train-environment
# cuda: torch's default build, which also works without a GPU. cpu: a tenth of its size; its wheels are on PyTorch's own
# index only, so name that in PIP_EXTRA_INDEX_URL.
ARG TORCH=cuda
COPY requirements/torch-${TORCH}.txt requirements/train.txt /tmp/
RUN $INSTALL -r /tmp/torch-${TORCH}.txt && $INSTALL -r /tmp/train.txt \
    && $COMPILE

# TorchServe, its Java as a wheel, torch for the CPU (as above), and what makes archives.
FROM environment AS torchserve-environment
COPY requirements/torch-cpu.txt requirements/torchserve.txt /tmp/
RUN $INSTALL -r /tmp/torch-cpu.txt && $INSTALL -r /tmp/torchserve.txt \
    && $COMPILE

# ---- our own code, and the models without what only training reads ----
FROM environment AS serving-code
WORKDIR /app
COPY LICENSE NOTICE ./
COPY contract contract
COPY serving serving
RUN python3 -m compileall -q .

FROM environment AS store
COPY model_store /models
RUN rm -rf /models/source

# Every model of the store as an archive, whose program is proved against the model's goldens.
FROM torchserve-environment AS archives
WORKDIR /src
COPY contract contract
COPY serving serving
COPY training training
COPY model_store model_store
ARG TORCHSERVE_RUNTIME=program
RUN /opt/thaw/bin/python -m training package --out /archives --runtime "${TORCHSERVE_RUNTIME}"

# ---- what every image shares ----
FROM ${PYTHON_IMAGE} AS runtime
ARG PYTHON_IMAGE
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="thaw" \
      org.opencontainers.image.description="Adapts a pretrained CNN to one new class and serves the result over HTTP." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
# A name for the number: some libraries ask who they are.
RUN echo 'thaw:x:10001:10001::/tmp:/usr/sbin/nologin' >> /etc/passwd && echo 'thaw:x:10001:' >> /etc/group
ENV PATH=/opt/thaw/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONPATH=/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HOME=/tmp TMPDIR=/tmp XDG_CACHE_HOME=/tmp/cache \
    ORT_DISABLE_TELEMETRY=1
WORKDIR /app
USER 10001:10001
STOPSIGNAL SIGTERM

FROM runtime AS serve
COPY --from=serving-code /app /app
COPY --from=store /models /models
# In a container loopback is the container itself: whoever runs it decides what to publish.
ENV THAW_HOST=0.0.0.0 THAW_MODELS=/models
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-m", "serving.health"]
ENTRYPOINT ["python", "-m", "serving"]

FROM serve AS gpu
COPY --from=gpu-environment /opt/thaw /opt/thaw
# The CUDA libraries are wheels too; ONNX Runtime's provider looks for them where the loader does.
ENV LD_LIBRARY_PATH=/opt/thaw/lib/python3.11/site-packages/nvidia/cu13/lib:/opt/thaw/lib/python3.11/site-packages/nvidia/cudnn/lib \
    NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    THAW_PROVIDER=cuda

FROM runtime AS torchserve
COPY --from=torchserve-environment /opt/thaw /opt/thaw
COPY --from=serving-code /app /app
COPY --from=archives /archives /models
EXPOSE 8080 8082
# It asks every model for a golden answer: TorchServe's own /ping says that the front end lives, and no more.
HEALTHCHECK --interval=30s --timeout=15s --start-period=300s --retries=3 CMD ["python", "-m", "serving.torchserve.ready", "/models"]
ENTRYPOINT ["python", "-m", "serving.torchserve", "--host", "0.0.0.0"]
CMD ["/models"]

FROM runtime AS train
COPY --from=train-environment /opt/thaw /opt/thaw
COPY LICENSE NOTICE ./
COPY contract contract
COPY training training
COPY load_tests load_tests
COPY model_store/source model_store/source
ENV THAW_STATE=/tmp/thaw
ENTRYPOINT ["python", "-m", "training"]

FROM serve AS cpu
COPY --from=cpu-environment /opt/thaw /opt/thaw
