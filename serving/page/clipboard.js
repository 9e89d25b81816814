// Copying, with a word of what happened on the button itself.

/** Over plain HTTP from another machine browsers have no clipboard object; the old command still works. */
function copyByHand(text) {
  const area = Object.assign(document.createElement("textarea"), { value: text, className: "unseen" });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

/** Puts `text` on the clipboard; the button tells for a moment whether it is there. Returns what it tells. */
export async function copy(button, text) {
  button.dataset.label ??= button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = copyByHand(text) ? "Copied" : "Not allowed here";
  }
  setTimeout(() => { button.textContent = button.dataset.label; }, 1500);
  return button.textContent;
}
