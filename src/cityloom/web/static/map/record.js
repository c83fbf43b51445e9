// What is known of one feature, beside the map; and the legend.

import { colour, stepsOf } from "./style.js";

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A sentence with its values put in. */
export function said(words, values) {
  return words.replace(/%\((\w+)\)s/g, (_, name) => values[name]);
}

export function written(value, language) {
  if (value === undefined || value === null) return "";
  if (typeof value !== "number" || (Number.isInteger(value) && Math.abs(value) < 10000)) return String(value);
  return value.toLocaleString(language === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: 6 });
}

/** What a feature is called; of several in one, how many they are. */
export function nameOf(feature, layer, facts) {
  const { _count: count, ...own } = feature.properties;
  if (count > 1) return said(facts.words.merged, { n: count.toLocaleString() });
  return String(own[layer.name] ?? facts.words.unnamed);
}

export function showRecord(feature, layer, facts) {
  const list = element("dl");
  for (const column of layer.columns) {
    const value = feature.properties[column.name];
    if (value === undefined && feature.properties._count > 1) continue;
    const title = column.unit ? `${column.title} (${column.unit})` : column.title;
    const told = value === undefined ? facts.words.no_value : written(value, facts.language);
    list.append(element("div", {}, element("dt", {}, title), element("dd", {}, told)));
  }
  const link = element("a", { href: layer.page }, `${facts.words.dataset}: ${layer.title}`);
  document.getElementById("map-record-name").textContent = nameOf(feature, layer, facts);
  document.getElementById("map-record-facts").replaceChildren(list, element("p", {}, link));
}

/** The legend: for each layer that is on its steps with their unit, and its source. */
export function showLegend(layers, shade, facts) {
  const parts = layers.filter((layer) => layer.on).map((layer) => {
    const part = element("section", { class: "map-key" }, element("h2", {}, layer.title));
    const found = stepsOf(layer, shade);
    if (found) part.append(stepList(found, layer, facts));
    else part.append(element("p", {}, swatch(colour("s3"))));
    part.append(element("p", {}, said(facts.words.source, { owner: layer.source })));
    return part;
  });
  document.getElementById("map-legend").replaceChildren(...parts);
}

function stepList(found, layer, facts) {
  const column = layer.columns.find((one) => one.name === found.column);
  const title = column.unit ? `${column.title} (${column.unit})` : column.title;
  const items = found.steps.map((step) =>
    element("li", {}, swatch(step.colour), said(facts.words.to, {
      low: written(step.low, facts.language), high: written(step.high, facts.language),
    })));
  return element("div", {}, element("p", {}, title), element("ol", { class: "steps" }, ...items));
}

function swatch(fill) {
  const made = element("span", { class: "swatch" });
  made.style.background = fill;
  return made;
}
