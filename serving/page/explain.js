// The controls of the activation map: on or off, opacity, class, press and hold for the bare photograph.

import { make } from "./cards.js";
import { colour, draw, scaleOf } from "./map.js";
import { answered } from "./words.js";

const $ = (id) => document.getElementById(id);
let shown = null; // {answers, facts, scale} of the photograph on the page

/** answers: with `activation_map` and `model`; labels: the rows of the columns; facts: of the models, by name. */
export function explain(answers, labels, facts) {
  shown = { answers: answers.filter(answered), facts, scale: scaleOf(answers) };
  const mapped = labels.filter((label) => answers.some((answer) => answer.activation_map?.[label]));
  const before = $("map-class").value;
  const asked = answers.find((answer) => answer.decision)?.decision.label;
  $("map-class").replaceChildren(...mapped.map((label) => make("option", { value: label }, label)));
  $("map-class").value = [before, asked, mapped[0]].find((label) => mapped.includes(label)) ?? "";
  $("controls").hidden = !mapped.length;
  $("scale-top").textContent = shown.scale.toFixed(1);
  drawMaps();
}

export const forget = () => { shown = null; };

function drawMaps() {
  if (!shown) return;
  const label = $("map-class").value;
  const opacity = $("map-on").checked ? $("map-opacity").value / 100 : 0;
  $("columns").style.setProperty("--map", String(opacity));
  for (const answer of shown.answers) {
    const card = $("columns").querySelector(`[data-model="${CSS.escape(answer.model)}"]`);
    const canvas = card.querySelector("canvas");
    const grid = answer.activation_map?.[label];
    if (canvas) draw(canvas, grid, shown.scale, shown.facts.get(answer.model));
    const peak = card.querySelector(".peak"); // says why a map is pale, or not there
    if (peak) peak.textContent = grid ? ` · map reaches ${Math.max(...grid.flat()).toFixed(1)}` : "";
    for (const row of card.querySelectorAll("tr")) row.classList.toggle("mapped", opacity > 0 && row.dataset.label === label);
  }
}

function chooseClass(label) {
  $("map-class").value = label;
  drawMaps();
  $("status").textContent = $("map-on").checked ? `Map for ${label}.` : `Map for ${label}, switched off.`;
}

function stepClass(by) {
  const labels = [...$("map-class").options].map((option) => option.value);
  if (labels.length) chooseClass(labels.at((labels.indexOf($("map-class").value) + by) % labels.length));
}

/** The legend: the same colours as the maps. */
function drawScale() {
  const bar = $("scale-bar");
  const context = bar.getContext("2d");
  for (let x = 0; x < bar.width; x += 1) {
    const [red, green, blue, alpha] = colour(x / (bar.width - 1));
    context.fillStyle = `rgba(${red}, ${green}, ${blue}, ${alpha / 255})`;
    context.fillRect(x, 0, 1, bar.height);
  }
}

export function listenForMap() {
  drawScale();
  for (const id of ["map-on", "map-opacity"]) $(id).addEventListener("input", drawMaps);
  $("map-on").addEventListener("change", () => { $("status").textContent = $("map-on").checked ? "Map on." : "Map off."; });
  $("map-class").addEventListener("change", () => chooseClass($("map-class").value));
  const bare = (on) => $("columns").classList.toggle("bare", on);
  const onPhoto = (event) => event.target.closest(".photo");
  $("columns").addEventListener("pointerdown", (event) => onPhoto(event) && bare(true));
  for (const name of ["pointerup", "pointercancel", "blur"]) addEventListener(name, () => bare(false));
  $("columns").addEventListener("contextmenu", (event) => onPhoto(event) && event.preventDefault()); // a long press
  $("columns").addEventListener("click", (event) => {
    const label = event.target.closest("tr")?.dataset.label;
    if ([...$("map-class").options].some((option) => option.value === label)) chooseClass(label);
  });
  addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches("input, select, textarea")) return;
    if (shown && event.key === "ArrowRight") stepClass(1);
    if (shown && event.key === "ArrowLeft") stepClass(-1);
  });
}
