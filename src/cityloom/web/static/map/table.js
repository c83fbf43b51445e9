// The features in view as a table: the same that the map shows, reachable by keyboard.

import { element, nameOf, said, written } from "./record.js";

const MOST = 50;

/** Fill the table with a layer's features in view; `choose` is called with the one of a row. */
export function showTable(features, layer, facts, choose) {
  const unique = [...distinct(features, layer).values()];
  unique.sort((a, b) => nameOf(a, layer, facts).localeCompare(nameOf(b, layer, facts), facts.language));
  const table = document.getElementById("map-rows");
  const titles = layer.columns.map((column) =>
    element("th", column.number ? { scope: "col", class: "number" } : { scope: "col" }, column.title, ...unit(column)));
  table.tHead.replaceChildren(element("tr", {}, ...titles));
  table.tBodies[0].replaceChildren(...unique.slice(0, MOST).map((feature) => row(feature, layer, facts, choose)));
  document.getElementById("map-table").textContent = layer.title;
  document.getElementById("map-count").replaceChildren(counted(unique.length, facts), " ",
    element("a", { href: `${layer.page}/rows` }, facts.words.all_rows));
}

function unit(column) {
  return column.unit ? [" ", element("small", {}, column.unit)] : [];
}

function counted(total, facts) {
  if (!total) return facts.words.none_in_view;
  if (total > MOST) return said(facts.words.first, { n: MOST, total: total.toLocaleString() });
  return said(facts.words.in_view, { n: total });
}

/** One of the pieces that a feature comes in, tile by tile. */
function distinct(features, layer) {
  const found = new Map();
  for (const feature of features) {
    const own = layer.key && feature.properties[layer.key];
    const key = own ?? JSON.stringify([feature.properties, feature.geometry.type === "Point" && feature.geometry.coordinates]);
    if (feature.properties._count === undefined || own !== undefined) found.set(key, feature);
    else found.set(JSON.stringify(feature.geometry), feature);
  }
  return found;
}

function row(feature, layer, facts, choose) {
  const cells = layer.columns.map((column, place) => {
    const text = written(feature.properties[column.name], facts.language);
    const cell = element("td", column.number ? { class: "number" } : {});
    cell.append(place ? text : button(text || nameOf(feature, layer, facts), () => choose(feature)));
    return cell;
  });
  return element("tr", {}, ...cells);
}

function button(text, press) {
  const made = element("button", { type: "button", class: "row-button" }, text);
  made.addEventListener("click", press);
  return made;
}
