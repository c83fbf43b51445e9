// How the map looks: the muted base of the city's own layers, and what is chosen above it.

import { EMPTY } from "./labels.js";

const PROBE = document.createElement("span");

/** A colour of the style sheet as it is now, light or dark. */
function colour(token) {
  PROBE.style.color = `var(--${token})`;
  document.body.append(PROBE);
  const found = getComputedStyle(PROBE).color;
  PROBE.remove();
  return found;
}

const areas = ["==", ["geometry-type"], "Polygon"];
const lines = ["==", ["geometry-type"], "LineString"];
// Several areas too small to be seen, in one square of their size: its corners are dots that can be.
const together = ["all", areas, ["has", "_count"]];
const points = ["==", ["geometry-type"], "Point"];

/** The whole style: the base map, then each layer that is on, in the order of the list. */
export function styleOf(layers, shade, labels = {}) {
  const chosen = layers.filter((layer) => layer.on);
  return {
    version: 8,
    sources: Object.fromEntries(layers.flatMap((layer) => [
      [layer.dataset, sourceOf(layer)],
      [labelsOf(layer), { type: "geojson", data: labels[layer.dataset] ?? EMPTY }],
    ])),
    layers: [
      { id: "paper", type: "background", paint: { "background-color": colour("tint") } },
      ...layers.filter((layer) => layer.base).flatMap(baseOf),
      ...chosen.flatMap((layer) => shapesOf(layer, shade)),
      ...layers.filter((layer) => layer.base || layer.on).flatMap(namesOf),
    ],
  };
}

/** The identifiers of the drawn layers that the pointer and the table look for. */
export function shapeIds(layers) {
  return layers.flatMap((layer) => ["area", "line", "point"].map((kind) => `${kind}:${layer.dataset}`));
}

function sourceOf(layer) {
  return {
    type: "vector",
    url: `pmtiles://${location.origin}${layer.tiles}`,
    ...(layer.key ? { promoteId: layer.key } : {}),
  };
}

function of(layer, id, type, more) {
  return { id: `${id}:${layer.dataset}`, type, source: layer.dataset, "source-layer": layer.dataset, ...more };
}

function baseOf(layer) {
  const filled = layer.dataset === "building" || layer.dataset === "block";
  const edge = layer.dataset === "district" ? 1.4 : 0.6;
  return [
    ...(filled
      ? [of(layer, "base-area", "fill", { filter: areas, paint: { "fill-color": colour("line"), "fill-opacity": layer.dataset === "block" ? 0.35 : 0.8 } })]
      : [of(layer, "base-edge", "line", { filter: areas, paint: { "line-color": colour("strong-line"), "line-width": edge, "line-opacity": 0.6 } })]),
    of(layer, "base-line", "line", { filter: lines, paint: { "line-color": colour("paper"), "line-width": ["interpolate", ["linear"], ["zoom"], 11, 0.5, 16, 5] } }),
  ];
}

function shapesOf(layer, shade) {
  const fill = shadeOf(layer, shade);
  return [
    of(layer, "area", "fill", { filter: areas, paint: { "fill-color": fill, "fill-opacity": 0.72 } }),
    of(layer, "edge", "line", { filter: areas, paint: { "line-color": colour("s4"), "line-width": ["interpolate", ["linear"], ["zoom"], 11, 0.2, 15, 1] } }),
    of(layer, "together", "circle", { filter: together, paint: { "circle-color": colour("s3"), "circle-radius": 1.3 } }),
    of(layer, "line", "line", { filter: lines, paint: { "line-color": fill, "line-width": ["interpolate", ["linear"], ["zoom"], 10, 1, 16, 4] } }),
    of(layer, "point", "circle", {
      filter: points,
      paint: {
        "circle-color": fill,
        "circle-radius": ["interpolate", ["linear"], ["ln", ["coalesce", ["get", "_count"], 1]], 0, 4, 8, 14],
        "circle-stroke-color": colour("paper"),
        "circle-stroke-width": 1,
      },
    }),
  ];
}

/** The steps that a layer is shaded in: the colour of each, and the values it goes from and to. */
export function stepsOf(layer, shade) {
  const [dataset, column] = shade.split(/\.(.*)/s);
  const edges = dataset === layer.dataset && layer.steps[column];
  if (!edges || edges.length < 2) return null;
  const steps = edges.slice(1).map((high, place) => ({ low: edges[place], high, colour: colour(`s${place}`) }));
  return { column, steps };
}

function shadeOf(layer, shade) {
  const found = stepsOf(layer, shade);
  if (!found) return colour("s3");
  const value = ["get", found.column];
  const [first, ...later] = found.steps;
  const stepped = ["step", value, first.colour, ...later.flatMap((step) => [step.low, step.colour])];
  return ["case", ["==", ["typeof", value], "number"], later.length ? stepped : first.colour, colour("twice")];
}

/** The source of the points at which the names of a layer's areas stand. */
export const labelsOf = (layer) => `labels:${layer.dataset}`;

/** The zoom from which a layer's names are written. */
export function namedFrom(layer) {
  const from = { district: 8, subdistrict: 11, street: 14, building: 16, block: 24 };
  return from[layer.dataset] ?? Math.min(layer.zooms[1], 14);
}

function namesOf(layer) {
  const common = { "text-field": ["coalesce", ["get", layer.name], ""], "text-font": ["Noto Sans Regular"], "text-size": layer.dataset === "district" ? 15 : 12 };
  const paint = { "text-color": colour("ink"), "text-halo-color": colour("paper"), "text-halo-width": 1.4 };
  const minzoom = namedFrom(layer);
  return [
    { id: `name-area:${layer.dataset}`, type: "symbol", source: labelsOf(layer), minzoom, layout: common, paint },
    of(layer, "name", "symbol", { filter: points, minzoom, layout: common, paint }),
    of(layer, "name-line", "symbol", { filter: lines, minzoom, layout: { ...common, "symbol-placement": "line" }, paint }),
  ];
}

export { colour };
