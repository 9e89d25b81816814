// One column a model: the photograph under its map, what the model says, bars that line up, timings.

import { answered, decisionReason, ms, percent, scores, winner } from "./words.js";

const STAGES = 5;

/** An element from a tag, properties and children; strings become text, never markup. */
export function make(tag, { className = "", ...rest } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), { className, ...rest });
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Five stages and the head; the thawed ones, counted from the head, are lit. */
export function depthGlyph(depth) {
  const glyph = make("span", { className: "depth", title: `${depth} of ${STAGES} stages thawed` });
  for (let stage = STAGES; stage >= 1; stage -= 1) {
    glyph.append(make("i", { className: `stage s${stage}${stage <= depth ? " thawed" : ""}` }));
  }
  glyph.append(make("i", { className: "head thawed" }));
  return glyph;
}

const thawed = (depth) => (depth === null ? "" : ` · ${depth} of ${STAGES} stages thawed`);

function heading(name, facts, version) {
  return make(
    "header",
    { className: "card-head" },
    facts?.depth == null ? null : depthGlyph(facts.depth),
    make("h3", {}, name),
    facts?.isContrast ? make("p", { className: "badge" }, "contrast: its source has seen the class") : null,
    make("p", { className: "meta" }, `version ${version ?? facts?.version ?? "?"}${thawed(facts?.depth ?? null)}`),
  );
}

function picture(photo, url, alt) {
  const figure = make("figure", { className: "photo" });
  if (!url) {
    figure.append(make("p", { className: "no-preview" }, "This browser cannot show the file"));
    return figure;
  }
  figure.append(make("img", { src: url, alt, draggable: false }));
  const canvas = make("canvas", { className: "map", width: photo.width, height: photo.height });
  canvas.setAttribute("aria-hidden", "true");
  const ratio = photo.width / photo.height;
  figure.style.setProperty("--ratio", String(Math.min(16 / 9, Math.max(4 / 5, ratio))));
  const fit = Math.min(1, 900 / Math.max(photo.width, photo.height)); // finer than any grid or screen column
  canvas.width = Math.round(photo.width * fit);
  canvas.height = Math.round(photo.height * fit);
  figure.append(canvas);
  return figure;
}

function decision(answer) {
  if (!answer.decision) return make("p");
  const { is, text, why } = decisionReason(answer);
  const chip = make("span", { className: `chip ${is ? "yes" : "no"}` }, text);
  return make("p", { className: "decision" }, chip, make("span", { className: "why" }, why));
}

function row(label, answer) {
  const score = scores(answer).get(label);
  const first = winner(answer) === label;
  const fill = make("span", { className: "fill" });
  fill.style.setProperty("width", `${100 * (score ?? 0)}%`);
  const bar = make("div", { className: "bar" }, fill);
  if (answer.decision?.label === label) {
    const tick = make("span", { className: "tick", title: `threshold ${percent(answer.decision.threshold)}` });
    tick.style.setProperty("left", `${100 * answer.decision.threshold}%`);
    bar.append(tick);
  }
  const name = make("th", { scope: "row", title: label }, first ? "▸ " : "", label);
  if (first) name.append(make("span", { className: "unseen" }, " (highest)"));
  const number = make("td", { className: "number" }, score === undefined ? "not a class" : percent(score));
  const line = make("tr", { className: first ? "first" : "" }, name, make("td", { className: "track" }, bar), number);
  line.dataset.label = label;
  return line;
}

function bars(answer, labels) {
  const rows = labels.map((label) => row(label, answer));
  return make("table", { className: "bars", ariaLabel: `Probabilities by ${answer.model}` }, make("tbody", {}, ...rows));
}

const skeletonBars = () =>
  make("div", { className: "skeleton", ariaHidden: "true" }, ...Array.from({ length: 6 }, () => make("span")));

function times({ timings_ms: timings, provider }) {
  if (!timings) return make("p");
  const device = { CPUExecutionProvider: "CPU", CUDAExecutionProvider: "GPU" }[provider] ?? provider ?? "";
  const words = `infer ${ms(timings.infer)}${device ? ` · ${device}` : ""}`;
  return make("p", { className: "times" }, words, make("span", { className: "peak" }));
}

function cardOf(name, facts) {
  const card = make("article", { className: `card${facts?.isContrast ? " contrast" : ""}` });
  card.dataset.model = name;
  return card;
}

/** A column before its answer: the photograph is there at once. */
export function waitingCard(name, facts, photo, url) {
  const card = cardOf(name, facts);
  card.append(heading(name, facts), picture(photo, url, "Your photograph"), skeletonBars());
  return card;
}

/** A column with its answer, or with the reason why this model has none. */
export function answerCard({ answer, facts, labels, photo, url }) {
  const name = answer.model;
  const card = cardOf(name, facts);
  card.append(heading(name, facts, answer.version));
  if (!answered(answer)) {
    card.append(picture(photo, url, "The photograph"), make("p", { className: "failed" }, answer.detail ?? "No answer."));
    return card;
  }
  const top = answer.predictions[0];
  card.append(
    picture(photo, url, `The photograph; ${name} says ${top.label}, ${percent(top.score)}`),
    make("p", { className: "says" }, make("span", {}, "says "), make("strong", {}, top.label)),
    decision(answer),
    bars(answer, labels),
    times(answer),
  );
  return card;
}
