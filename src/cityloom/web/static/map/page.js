// The map page: what is chosen, where the map looks, and what was clicked.

import { nameOf, said, showLegend, showRecord, element } from "./record.js";
import { shapeIds, styleOf } from "./style.js";
import { showTable } from "./table.js";

const facts = JSON.parse(document.getElementById("map-facts").textContent);
const form = document.getElementById("map-layers");
const frame = document.getElementById("the-map");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");

const chosen = () => facts.layers.filter((layer) => layer.on);
let listed = facts.layers.find((layer) => layer.dataset === facts.listed);
const shade = () => form.elements.shade.value;
const say = (words) => { document.getElementById("map-said").textContent = words; };

async function start() {
  const library = await import(frame.dataset.library);
  library.addProtocol("pmtiles", new pmtiles.Protocol().tile);
  const map = new library.Map({
    container: frame,
    style: styleOf(facts.layers, shade()),
    bounds: extent(chosen().length ? chosen() : facts.layers),
    fitBoundsOptions: { padding: 24 },
    hash: true,
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
  const redraw = () => { map.setStyle(styleOf(facts.layers, shade())); showLegend(facts.layers, shade(), facts); };
  form.addEventListener("change", (event) => { choose(event.target); redraw(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  dark.addEventListener("change", redraw);
  map.on("idle", () => { list(map); frame.dataset.state = "drawn"; });
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

/** Bring a feature into the middle of the map. */
function bring(map, feature) {
  const spots = feature.geometry.coordinates.flat(Infinity);
  const middle = (from) => {
    const values = spots.filter((_, place) => place % 2 === from);
    return (Math.min(...values) + Math.max(...values)) / 2;
  };
  map.easeTo({ center: [middle(0), middle(1)], animate: !still.matches });
}

start().catch((error) => { say(facts.words.no_map); console.info(String(error)); });
