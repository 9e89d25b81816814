// Answers -> words and rows. Pure functions: nothing here touches the page.

/** ["a", "b", "c"] -> "a, b and c". */
export const list = (words) =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

/** Probability -> "61.2 %"; never rounds a doubt away. */
export function percent(probability) {
  if (probability > 0.999 && probability < 1) return "> 99.9 %";
  if (probability < 0.001 && probability > 0) return "< 0.1 %";
  return `${(probability * 100).toFixed(1)} %`;
}

/** Bytes -> "4.1 MB". */
export const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** Milliseconds -> "4.1 ms". */
export const ms = (value) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

export const answered = (answer) => Array.isArray(answer.predictions) && answer.predictions.length > 0;
export const scores = (answer) => new Map(answer.predictions.map(({ label, score }) => [label, score]));
export const winner = (answer) => answer.predictions[0].label;

/** The labels that any model puts among its first `top`, by their highest score: the same rows for every model. */
export function union(answers, top = 5) {
  const highest = new Map();
  for (const answer of answers.filter(answered)) {
    for (const { label } of answer.predictions.slice(0, top)) highest.set(label, 0);
  }
  for (const answer of answers.filter(answered)) {
    for (const { label, score } of answer.predictions) {
      if (highest.has(label)) highest.set(label, Math.max(highest.get(label), score));
    }
  }
  return [...highest].sort((a, b) => b[1] - a[1]).map(([label]) => label);
}

const NUMBERS = ["no", "one", "two", "three", "four", "five", "six"];
const article = (label) => (/^[aeiou]/i.test(label) ? "an" : "a");
const group = (answers, key) => {
  const groups = new Map();
  for (const answer of answers) groups.set(key(answer), [...(groups.get(key(answer)) ?? []), answer.model]);
  return groups;
};
const says = (names) => `${list(names)} ${names.length > 1 ? "say" : "says"} `;

/**
 * What the models make of the photograph: [[text, isStrong], ...].
 * A contrast model is named apart, since its source has seen the new class.
 */
export function verdict(answers, isContrast = () => false) {
  const heard = answers.filter(answered);
  if (!heard.length) return [["No model could answer.", false]];
  const fair = heard.filter((answer) => !isContrast(answer.model));
  const apart = fair.length ? heard.filter((answer) => isContrast(answer.model)) : [];
  const groups = group(fair.length ? fair : heard, winner);
  const parts = [];
  for (const [label, names] of groups) {
    const all = groups.size === 1 && names.length > 1;
    const number = NUMBERS[names.length] ?? String(names.length);
    const who = all ? `${names.length === 2 ? "Both" : `All ${number}`} say ` : says(names);
    parts.push([parts.length ? `; ${who}` : who, false], [label, true]);
  }
  parts.push([".", false]);
  for (const [label, names] of group(apart, winner)) parts.push([` ${says(names)}`, false], [label, true], [".", false]);
  return parts;
}

/** "Sure enough to call it a bus? partial and majority answer yes, frozen no." - each at its own threshold. */
export function decisions(answers) {
  const heard = answers.filter((answer) => answered(answer) && answer.decision);
  const sentences = [];
  for (const [label] of group(heard, (answer) => answer.decision.label)) {
    const asked = heard.filter((answer) => answer.decision.label === label);
    const yes = asked.filter((answer) => answer.decision.is).map((answer) => answer.model);
    const no = asked.filter((answer) => !answer.decision.is).map((answer) => answer.model);
    const verb = (names) => (names.length > 1 ? "answer" : "answers");
    const first = yes.length ? `${list(yes)} ${verb(yes)} yes` : `${list(no)} ${verb(no)} no`;
    sentences.push(`Sure enough to call it ${article(label)} ${label}? ${first}${yes.length && no.length ? `, ${list(no)} no` : ""}.`);
  }
  return sentences.join(" ");
}

/** The sentence beside a model's yes or no. */
export function decisionReason(answer) {
  const { label, is, threshold } = answer.decision;
  const score = scores(answer).get(label);
  const told = score === undefined ? "" : `${percent(score)}, `;
  return { is, text: `${label}: ${is ? "yes" : "no"}`, why: `${told}yes from ${percent(threshold)}` };
}

/** Where the time went: seen from the browser, then as the server splits it. */
export function timing(answers, elapsed) {
  const timed = answers.map((answer) => answer.timings_ms).filter(Boolean);
  if (!timed.length) return `${ms(elapsed)} in the browser.`;
  const longest = (step) => Math.max(...timed.map((timings) => timings[step] ?? 0)); // queued and decoded once for all
  const inferring = timed.reduce((sum, timings) => sum + (timings.infer ?? 0), 0);
  const split = `queue ${ms(longest("queue"))}, decode ${ms(longest("decode"))}, infer ${ms(inferring)}`;
  return `${ms(elapsed)} in the browser, ${ms(longest("total"))} of it in the server (${split}).`;
}

/** What left the browser, beside what was chosen. */
export function sent(photo) {
  const sides = ({ width, height }) => (width ? `${width} × ${height} px, ` : "");
  const now = `Sent ${sides(photo)}${size(photo.blob.size)}`;
  if (!photo.shrunk) return `${now}, as it was.`;
  return `${now}; made smaller here from ${sides(photo.original)}${size(photo.original.bytes)}.`;
}

/** The request as a command: a sample is fetched first, an own photograph is named. */
export function curl(photo, origin) {
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const url = quoted(`${origin}/compare?explain=cam`);
  if (photo.sample) return `curl -s ${quoted(origin + photo.path)} | curl --data-binary @- ${url}`;
  return `curl --data-binary ${quoted(`@${photo.name}`)} ${url}`;
}
