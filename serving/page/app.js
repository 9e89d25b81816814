// The page: a photograph in, one column a model out. State is one object; a new photograph replaces it.

import { compare, inOrder, loadModels, Refusal } from "./api.js";
import { answerCard, depthGlyph, make, waitingCard } from "./cards.js";
import { copy } from "./clipboard.js";
import { explain, forget, listenForMap } from "./explain.js";
import { loadSamples, prepare, prepareSample, samplePath } from "./photo.js";
import { hideProblem, showProblem } from "./problem.js";
import { curl, decisions, list, sent, timing, union, verdict } from "./words.js";

const $ = (id) => document.getElementById(id);
const state = { facts: new Map(), samples: [], photo: null, url: null, json: null, running: null };
const names = () => inOrder(state.facts.keys(), state.facts);

/** Takes `getPhoto(signal)`, shows the photograph, then the answers. A later call cancels this one. */
async function ask(getPhoto) {
  state.running?.abort();
  const running = new AbortController();
  state.running = running;
  hideProblem();
  $("status").textContent = "Looking at the photograph.";
  try {
    const photo = await getPhoto(running.signal);
    if (running.signal.aborted) return;
    showPhoto(photo);
    const { json, elapsed } = await compare(photo, running.signal);
    if (!running.signal.aborted) showAnswers(json, elapsed);
  } catch (error) {
    if (!running.signal.aborted) stop(error, () => ask(getPhoto));
  }
}

/** No answer: the photograph stays where asking again may help, and leaves where it cannot. */
function stop(error, again) {
  $("status").textContent = "";
  $("verdict").textContent = "Not answered yet.";
  $("answer").classList.add("stopped");
  if (!error.again) showAsking();
  const hasModels = state.facts.size > 0; // not before there was a key
  showProblem(error, hasModels ? again : async () => (await load()) && again());
}

function askFile(file) {
  if (!file) return;
  state.photo = null;
  history.replaceState(null, "", location.pathname); // an own photograph is in no link
  ask(() => prepare(file, { mayShrink: $("shrink").checked }));
}

function askSample(name) {
  const sample = state.samples.find((each) => each.name === name);
  if (!sample) {
    const known = list(state.samples.map((each) => each.name));
    showProblem(new Refusal(`No sample “${name}”`, `The link names a sample that is not here. There are ${known}.`));
    return;
  }
  state.photo = null;
  history.replaceState(null, "", `#sample=${name}`);
  ask((signal) => prepareSample(sample, signal));
}

function clear() {
  state.running?.abort();
  hideProblem();
  forget();
  forgetUrl();
  Object.assign(state, { photo: null, json: null, running: null });
  history.replaceState(null, "", location.pathname);
  showAsking();
  $("file").value = "";
  $("camera").value = "";
  $("status").textContent = "Cleared.";
  $("file").focus();
}

/** The first screen. */
function showAsking() {
  document.body.classList.remove("answered");
  $("answer").hidden = true;
  $("columns").replaceChildren();
  markSample(null);
}

function forgetUrl() {
  if (state.url) URL.revokeObjectURL(state.url);
  state.url = null;
}

/** Before the answer: the photograph in every column, over bars that wait. */
function showPhoto(photo) {
  forget();
  forgetUrl();
  Object.assign(state, { photo, json: null, url: photo.shown ? URL.createObjectURL(photo.shown) : null });
  setColumns(names().map((name) => waitingCard(name, state.facts.get(name), photo, state.url)));
  $("verdict").textContent = "Asking…";
  $("decisions").textContent = "";
  $("timing").textContent = "";
  $("sent").textContent = sent(photo);
  $("answer").className = "answer waiting";
  $("answer").hidden = false;
  document.body.classList.add("answered");
  markSample(photo.sample);
  $("copy-link").disabled = !photo.sample;
  $("copy-link").title = photo.sample ? "" : "A link restores a sample; your own photograph is in no link";
  if ($("answer").getBoundingClientRect().top > innerHeight * 0.6) $("answer").scrollIntoView();
}

function setColumns(cards) {
  $("columns").replaceChildren(...cards);
  $("columns").dataset.count = cards.length;
}

function showAnswers(json, elapsed) {
  const { facts, photo, url } = state;
  const answers = inOrder(Object.keys(json.models), facts).map((name) => ({ ...json.models[name], model: name }));
  const labels = union(answers);
  state.json = json;
  setColumns(answers.map((answer) => answerCard({ answer, facts: facts.get(answer.model), labels, photo, url })));
  const parts = verdict(answers, (name) => facts.get(name)?.isContrast);
  $("verdict").replaceChildren(...parts.map(([text, strong]) => (strong ? make("strong", {}, text) : text)));
  $("decisions").textContent = decisions(answers);
  $("timing").textContent = timing(answers, elapsed);
  $("status").textContent = `${parts.map(([text]) => text).join("")} ${decisions(answers)}`;
  $("answer").className = "answer";
  explain(answers, labels, facts);
}

function markSample(name) {
  for (const button of $("samples").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.sample === name));
  }
}

function fromTransfer(transfer) {
  const file = transfer?.files?.[0];
  if (file) askFile(file);
  else showProblem(new Refusal("No file in that", "Drop or paste a photograph itself (JPEG, PNG, WebP or GIF), not a link or text."));
}

function listenForPhotographs() {
  for (const id of ["file", "camera"]) $(id).addEventListener("change", () => askFile($(id).files[0]));
  $("drop").addEventListener("submit", (event) => event.preventDefault());
  $("clear").addEventListener("click", clear);
  const dragging = (event, on) => {
    event.preventDefault();
    document.body.classList.toggle("dragging", on);
  };
  addEventListener("dragover", (event) => dragging(event, true));
  addEventListener("dragleave", (event) => event.relatedTarget === null && dragging(event, false));
  addEventListener("drop", (event) => {
    dragging(event, false);
    fromTransfer(event.dataTransfer);
  });
  addEventListener("paste", (event) => fromTransfer(event.clipboardData));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.target.matches("select")) clear(); // in a list it closes the list
  });
  addEventListener("hashchange", followHash);
}

function listenForCopies() {
  const texts = {
    "copy-curl": () => curl(state.photo, location.origin),
    "copy-json": () => JSON.stringify(state.json, null, 2),
    "copy-link": () => `${location.origin}/#sample=${state.photo.sample}`,
  };
  for (const [id, text] of Object.entries(texts)) {
    $(id).addEventListener("click", async () => { $("status").textContent = await copy($(id), text()); });
  }
}

function followHash() {
  const name = new URLSearchParams(location.hash.slice(1)).get("sample");
  if (name && name !== state.photo?.sample) askSample(name);
}

function showSamples() {
  $("samples").replaceChildren(...state.samples.map((sample) => {
    const picture = make("img", { src: samplePath(sample), alt: "", width: 96, height: 96 });
    const button = make("button", { type: "button", className: "sample", title: sample.title }, picture, make("span", {}, sample.title));
    button.dataset.sample = sample.name;
    button.addEventListener("click", () => askSample(sample.name));
    return make("li", {}, button);
  }));
  markSample(null);
}

function showLoaded() {
  const words = names().map((name) => {
    const { version, others } = state.facts.get(name);
    return `${name} v${version}${others.length ? ` (also v${others.join(", v")})` : ""}`;
  });
  $("loaded").textContent = words.length ? `Loaded: ${words.join(" · ")}` : "No model is loaded";
}

async function start() {
  for (const glyph of document.querySelectorAll(".depth[data-depth]")) glyph.replaceWith(depthGlyph(Number(glyph.dataset.depth)));
  listenForPhotographs();
  listenForMap();
  listenForCopies();
  if (await load()) followHash();
}

/** Models and samples; whether they are there now. */
async function load() {
  try {
    [state.facts, state.samples] = await Promise.all([loadModels(), loadSamples()]);
    showSamples();
    showLoaded();
    return true;
  } catch (error) {
    showProblem(error, async () => (await load()) && followHash());
    return false;
  }
}

start();
