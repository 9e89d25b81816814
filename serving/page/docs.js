// /openapi.json -> a page to read, with a curl line for each route.

import { make } from "./cards.js";
import { copy } from "./clipboard.js";

const $ = (id) => document.getElementById(id);
const METHODS = ["get", "head", "post", "put", "patch", "delete"];
const anchor = (method, path) => `${method}-${path.replaceAll(/[^a-zA-Z0-9]+/g, "-").replaceAll(/^-|-$/g, "") || "page"}`;

let spec = {};

/** Follows `$ref` inside the document. */
function resolve(node) {
  if (!node?.$ref) return node ?? {};
  return resolve(node.$ref.slice(2).split("/").reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], spec));
}

/** A schema in a few words: "string", "array of number", "one of: a, b". */
function kind(schema) {
  const name = schema?.$ref?.split("/").at(-1);
  const it = resolve(schema);
  const either = it.anyOf ?? it.oneOf;
  if (it.enum) return `one of: ${it.enum.join(", ")}`;
  if (it.const !== undefined) return JSON.stringify(it.const);
  if (either) return either.map(kind).join(" or ");
  if (it.type === "array") return `array of ${kind(it.items)}`;
  return name ?? [it.type].flat().filter(Boolean).join(" or ") ?? "";
}

/** An example of a schema: its own, or one made from its parts; depth keeps recursive schemas finite. */
function example(schema, depth = 0) {
  const it = resolve(schema);
  const given = it.example ?? it.examples?.[0] ?? it.default ?? it.const ?? it.enum?.[0];
  if (given !== undefined || depth > 6) return given ?? null;
  if (it.allOf) return Object.assign({}, ...it.allOf.map((part) => example(part, depth + 1)));
  const either = it.anyOf ?? it.oneOf;
  if (either) return example(either[0], depth + 1);
  if (it.type === "array") return [example(it.items, depth + 1)];
  if (it.type === "object" || it.properties) {
    const named = Object.entries(it.properties ?? {}).map(([name, part]) => [name, example(part, depth + 1)]);
    const more = typeof it.additionalProperties === "object" ? [["name", example(it.additionalProperties, depth + 1)]] : [];
    return Object.fromEntries([...named, ...more]);
  }
  return { integer: 0, number: 0.5, boolean: true, string: "string" }[it.type] ?? null;
}

const exampleOf = (media) => media.example ?? resolve(Object.values(media.examples ?? {})[0]).value ?? example(media.schema);
const pretty = (value) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));

/** The request as one line that can be pasted: a photograph as it is, where the route takes one. */
function curl(method, path, operation) {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => {
    const parameter = (operation.parameters ?? []).map(resolve).find((each) => each.name === name);
    return parameter?.example ?? example(parameter?.schema) ?? name;
  });
  const url = `'${location.origin}${filled}'`;
  if (method === "get") return `curl ${url}`;
  if (method === "head") return `curl -I ${url}`;
  const types = Object.keys(resolve(operation.requestBody).content ?? {});
  const isRaw = /^image\/|octet-stream/.test(types[0] ?? "");
  if (isRaw) return `curl --data-binary @bus.jpg ${url}`;
  if (types.some((type) => type.startsWith("multipart/"))) return `curl -F image=@bus.jpg ${url}`;
  const verb = method === "post" ? "" : `-X ${method.toUpperCase()} `;
  if (!types.length) return `curl ${method === "post" ? "-X POST " : verb}${url}`;
  const body = JSON.stringify(exampleOf(resolve(operation.requestBody).content[types[0]])).replaceAll("'", "'\\''");
  return `curl ${verb}-H 'Content-Type: ${types[0]}' -d '${body}' ${url}`;
}

function command(text) {
  const button = make("button", { type: "button", className: "button small" }, "Copy");
  button.addEventListener("click", async () => { $("status").textContent = await copy(button, text); });
  return make("div", { className: "command" }, make("pre", {}, make("code", {}, text)), button);
}

/** Text with `code` in it -> nodes. */
const prose = (text = "") => text.split("`").map((part, n) => (n % 2 ? make("code", {}, part) : part));

function table(rows) {
  const lines = rows.map(([name, type, words]) =>
    make("tr", {},
      make("th", { scope: "row" }, make("code", {}, name), " ", make("span", { className: "kind" }, type)),
      make("td", {}, ...prose(words))));
  return make("table", { className: "facts-table" }, make("tbody", {}, ...lines));
}

function media(content) {
  return Object.entries(content ?? {}).map(([type, each]) => {
    const shown = exampleOf(each);
    const isBytes = /^(image\/|application\/octet-stream)/.test(type);
    if (shown === null || shown === undefined || isBytes) return make("p", { className: "more" }, make("code", {}, type));
    return make("details", {}, make("summary", {}, make("code", {}, type)), make("pre", {}, make("code", {}, pretty(shown))));
  });
}

/** What is answered in full; refusals together, since they share one form. */
function answersOf(operation) {
  const all = Object.entries(operation.responses ?? {}).map(([status, answer]) => [status, resolve(answer)]);
  const good = all.filter(([status]) => status < "400");
  const bad = all.filter(([status]) => status >= "400");
  const line = ([status, answer]) => [status, "", answer.description];
  const shown = good.flatMap((each) => [table([line(each)]), ...media(each[1].content)]);
  if (!bad.length) return shown;
  const summary = make("summary", {}, `Refusals: ${bad.map(([status]) => status).join(", ")}`);
  return [...shown, make("details", {}, summary, table(bad.map(line)), ...media(bad[0][1].content))];
}

function section(method, path, operation) {
  const title = make("h3", {}, make("span", { className: `method ${method}` }, method.toUpperCase()), make("code", {}, path));
  const element = make("section", { className: "operation", id: anchor(method, path) }, title);
  if (operation.summary) element.append(make("p", {}, ...prose(operation.summary)));
  if (operation.description && operation.description !== operation.summary) {
    element.append(make("p", { className: "more" }, ...prose(operation.description)));
  }
  element.append(make("h4", {}, "Try it"), command(curl(method, path, operation)));
  const parameters = (operation.parameters ?? []).map(resolve);
  if (parameters.length) {
    const rows = parameters.map((each) =>
      [each.name, `${kind(each.schema)}, ${each.in}${each.required ? ", required" : ""}`, each.description]);
    element.append(make("h4", {}, "Parameters"), table(rows));
  }
  const body = resolve(operation.requestBody);
  if (body.content) element.append(make("h4", {}, "Body"), ...prose(body.description), ...media(body.content));
  element.append(make("h4", {}, "Answers"), ...answersOf(operation));
  return element;
}

/** [[tag, [[method, path, operation], ...]], ...] in the document's own order. */
function grouped() {
  const groups = new Map((spec.tags ?? []).map(({ name }) => [name, []]));
  for (const [path, item] of Object.entries(spec.paths ?? {})) {
    for (const method of METHODS.filter((each) => item[each])) {
      const operation = { ...item[method], parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])] };
      const tag = operation.tags?.[0] ?? "Routes";
      groups.set(tag, [...(groups.get(tag) ?? []), [method, path, operation]]);
    }
  }
  return [...groups].filter(([, operations]) => operations.length);
}

async function start() {
  try {
    const response = await fetch("/openapi.json");
    if (!response.ok) throw new Error(`/openapi.json answered ${response.status}`);
    spec = await response.json();
  } catch (error) {
    $("problem").textContent = `The description of the API did not arrive (${error.message}). Is the server still running? Load the page again.`;
    $("problem").hidden = false;
    return;
  }
  $("title").textContent = spec.info?.title ?? "API";
  $("about").textContent = spec.info?.description ?? "";
  $("version").textContent = spec.info?.version ? `Version ${spec.info.version}` : "";
  for (const [tag, operations] of grouped()) {
    $("contents").append(make("h2", {}, tag));
    const about = (spec.tags ?? []).find(({ name }) => name === tag)?.description;
    $("operations").append(make("h2", { className: "group" }, tag), make("p", { className: "about" }, ...prose(about)));
    for (const [method, path, operation] of operations) {
      const name = make("span", { className: `method ${method}` }, method.toUpperCase());
      $("contents").append(make("a", { href: `#${anchor(method, path)}` }, name, path));
      $("operations").append(section(method, path, operation));
    }
  }
  showProblems(spec["x-problems"] ?? []);
  document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

/** The kinds of refusal, each under the anchor that a problem's `type` leads to. */
function showProblems(problems) {
  if (!problems.length) return;
  const rows = problems.map(({ name, status, title }) =>
    make("tr", { id: name }, make("td", {}, String(status)), make("td", {}, make("code", {}, name)), make("td", {}, title)));
  $("contents").append(make("h2", {}, "problems"), make("a", { href: "#problems" }, "kinds of refusal"));
  $("operations").append(
    make("h2", { className: "group", id: "problems" }, "problems"),
    make("p", { className: "about" }, "What an answer's type means when it is a problem. Its detail says what to do."),
    make("table", {}, make("tbody", {}, ...rows)),
  );
}

start();
