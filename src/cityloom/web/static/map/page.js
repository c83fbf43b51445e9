// The map page: what is chosen, where the map looks, and what was clicked.

import { EMPTY, labelPoints } from "./labels.js";
import { nameOf, said, showLegend, showRecord, element } from "./record.js";
import { labelsOf, namedFrom, shapeIds, styleOf } from "./style.js";
import { showTable } from "./table.js";

const facts = JSON.parse(document.getElementById("map-facts").textContent);
const form = document.getElementById("map-layers");
const frame = document.getElementById("the-map");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");

const chosen = () => facts.layers.filter((layer) => layer.on);
const shown = () => facts.layers.filter((layer) => layer.base || layer.on);
let listed = facts.layers.find((layer) => layer.dataset === facts.listed);
const labels = {};
const shade = () => form.elements.shade.value;
const say = (words) => { document.getElementById("map-said").textContent = words; };

async function start() {
  const library = await import(frame.dataset.library);
  library.addProtocol("pmtiles", new pmtiles.Protocol().tile);
  const map = new library.Map({
    container: frame,
    style: styleOf(facts.layers, shade()),
    bounds: extent(shown().length ? shown() : facts.layers),
    fitBoundsOptions: { padding: Math.min(24, frame.clientWidth / 30) },
    hash: true,
    minZoom: Math.min(...facts.layers.map((layer) => layer.zooms[0])),
    maxZoom: 19,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    fadeDuration: still.matches ? 0 : 200,
    localIdeographFontFamily: getComputedStyle(document.body).fontFamily,
    locale: { "Map.Title": facts.words.map },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new library.ScaleControl(), "bottom-left");
  map.addControl(zoomButtons(), "top-right");
  listen(map);
}

/** West, south, east and north of all layers together. */
function extent(layers) {
  const [west, south, east, north] = [0, 1, 2, 3].map((side) => layers.map((layer) => layer.bounds[side]));
  return [[Math.min(...west), Math.min(...south)], [Math.max(...east), Math.max(...north)]];
}

function zoomButtons() {
  return {
    onAdd(map) {
      const press = (sign, label, go) => {
        const button = element("button", { type: "button", "aria-label": label }, sign);
        button.addEventListener("click", () => go({ animate: !still.matches }));
        return button;
      };
      return this.made = element("div", { class: "maplibregl-ctrl map-zoom" },
        press("+", facts.words.zoom_in, (how) => map.zoomIn(how)),
        press("−", facts.words.zoom_out, (how) => map.zoomOut(how)));
    },
    onRemove() { this.made.remove(); },
  };
}

function listen(map) {
  const redraw = () => { map.setStyle(styleOf(facts.layers, shade(), labels)); showLegend(facts.layers, shade(), facts); };
  form.addEventListener("change", (event) => { choose(event.target); redraw(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  dark.addEventListener("change", redraw);
  map.on("idle", () => {
    if (label(map)) return;
    list(map);
    hint(map);
    frame.dataset.state = "drawn";
  });
  map.on("movestart", () => { frame.dataset.state = "moving"; });
  map.on("click", (event) => { const found = at(map, event.point); if (found) show(found); });
  map.on("mousemove", (event) => point(map, event.point));
  map.on("mouseout", () => tip.remove());
  map.on("error", (event) => say(said(facts.words.missing, { layer: event.sourceId ?? "" })));
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "t" && !event.target.closest("input, select") && !event.ctrlKey && !event.metaKey && !event.altKey) {
      document.getElementById("map-table").focus();
    }
  });
  showLegend(facts.layers, shade(), facts);
}

/** Take over what the form says, also into the address. */
function choose(changed) {
  const names = new FormData(form).getAll("layer");
  for (const layer of facts.layers) layer.on = names.includes(layer.dataset);
  if (changed.checked) listed = facts.layers.find((layer) => layer.dataset === changed.value);
  if (!listed?.on) [listed] = chosen();
  const query = new URLSearchParams(location.search);
  query.delete("layer");
  for (const name of names) query.append("layer", name);
  if (shade()) query.set("shade", shade());
  else query.delete("shade");
  history.replaceState(history.state, "", `${location.pathname}?${query}${location.hash}`);
}

const layerOf = (feature) => facts.layers.find((layer) => layer.dataset === feature.source);
const drawn = (map, layers) => shapeIds(layers).filter((id) => map.getLayer(id));

function at(map, where) {
  const near = [[where.x - 3, where.y - 3], [where.x + 3, where.y + 3]];
  const found = map.queryRenderedFeatures(where, { layers: drawn(map, chosen()) });
  return found[0] ?? map.queryRenderedFeatures(near, { layers: drawn(map, chosen()) })[0];
}

const show = (feature) => showRecord(feature, layerOf(feature), facts);

const tip = element("div", { class: "map-name", "aria-hidden": "true" });

function point(map, where) {
  const feature = at(map, where);
  map.getCanvas().style.cursor = feature ? "pointer" : "";
  if (!feature) return tip.remove();
  tip.textContent = nameOf(feature, layerOf(feature), facts);
  tip.style.left = `${where.x}px`;
  tip.style.top = `${where.y}px`;
  frame.append(tip);
}

/** The table of what is in view, of the layer that was chosen last. */
function list(map) {
  if (!listed) return;
  const features = map.queryRenderedFeatures({ layers: drawn(map, [listed]) });
  showTable(features, listed, facts, (feature) => { show(feature); bring(map, feature); });
}

/** Write the names of the areas in view, each once; whether any changed its place. */
function label(map) {
  let changed = false;
  for (const layer of shown()) {
    const written = map.getZoom() >= namedFrom(layer);
    const pieces = written ? map.querySourceFeatures(layer.dataset, { sourceLayer: layer.dataset }) : [];
    const points = written ? labelPoints(pieces, layer) : EMPTY;
    if (JSON.stringify(points) === JSON.stringify(labels[layer.dataset] ?? EMPTY)) continue;
    labels[layer.dataset] = points;
    map.getSource(labelsOf(layer)).setData(points);
    changed = true;
  }
  return changed;
}

/** Say beside its box that a layer is chosen and too small to be seen. */
function hint(map) {
  for (const box of form.querySelectorAll("input[name=layer]")) {
    const layer = facts.layers.find((one) => one.dataset === box.value);
    box.parentElement.querySelector(".map-hint")?.remove();
    if (layer.on && isTooSmall(map, layer)) box.parentElement.append(element("small", { class: "quiet map-hint" }, facts.words.zoom_to_see));
  }
}

const SEEN = 8;

/** Whether nothing of a layer that is in view is as long or wide as can be seen, in pixels. */
function isTooSmall(map, layer) {
  const [west, south, east, north] = layer.bounds;
  const view = map.getBounds();
  if (west > view.getEast() || east < view.getWest() || south > view.getNorth() || north < view.getSouth()) return false;
  const features = map.queryRenderedFeatures({ layers: drawn(map, [layer]) });
  return features.every((feature) => feature.geometry.type !== "Point" && sizeOf(map, feature) < SEEN);
}

function sizeOf(map, feature) {
  const [[west, south], [east, north]] = cornersOf(feature);
  const [low, high] = [map.project([west, south]), map.project([east, north])];
  return Math.max(high.x - low.x, low.y - high.y);
}

/** The south-west and the north-east corner of a feature. */
function cornersOf(feature) {
  const spots = feature.geometry.coordinates.flat(Infinity);
  const axes = [0, 1].map((from) => spots.filter((_, place) => place % 2 === from));
  const ends = (pick) => axes.map((values) => values.reduce((a, b) => pick(a, b)));
  return [ends(Math.min), ends(Math.max)];
}

/** Bring a feature into the middle of the map. */
function bring(map, feature) {
  const [low, high] = cornersOf(feature);
  map.easeTo({ center: [0, 1].map((axis) => (low[axis] + high[axis]) / 2), animate: !still.matches });
}

start().catch((error) => { say(facts.words.no_map); console.info(String(error)); });
