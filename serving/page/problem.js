// What went wrong, beside the drop area, with the next step.

import { Refusal, useKey } from "./api.js";

const $ = (id) => document.getElementById(id);
let ticking = null;

export function hideProblem() {
  clearInterval(ticking);
  $("problem").hidden = true;
}

/** again: called when the person takes the offer to send the photograph once more; without it there is no offer. */
export function showProblem(error, again = null) {
  hideProblem();
  const known = error instanceof Refusal;
  if (!known) console.error(error); // ours: the page shows a sentence, the console the place
  $("problem-title").textContent = known ? error.title : "The page could not show this";
  const smaller = error.status === 413 && !$("shrink").checked ? " Or let the page make it smaller: tick the box above." : "";
  $("problem-detail").textContent = known
    ? error.detail + smaller
    : "The answer was not what the page expects. Reload the page and try again.";
  const wantsKey = known && error.status === 401;
  $("again").hidden = wantsKey || !(again && known && error.again);
  $("again").onclick = again;
  countDown(error.retryAfter ?? 0);
  $("problem").hidden = false;
  askForKey(wantsKey, again);
  $("problem").scrollIntoView({ block: "nearest" });
}

/** Beside the words that want it. Enter sends it; what was refused is then asked again. */
function askForKey(isWanted, again) {
  $("key-form").hidden = !isWanted;
  $("key").value = "";
  if (!isWanted) return;
  $("key-form").onsubmit = (event) => {
    event.preventDefault();
    useKey($("key").value.trim());
    hideProblem();
    again();
  };
  $("key").focus();
}

/** Retry-After: the button says how long, and offers again when the time has come. */
function countDown(seconds) {
  let left = seconds;
  const show = () => {
    $("again").disabled = left > 0;
    $("again").textContent = left > 0 ? `Try again in ${left} s` : "Try again";
    if (left <= 0) clearInterval(ticking);
    left -= 1;
  };
  if (seconds) ticking = setInterval(show, 1000);
  show();
}
