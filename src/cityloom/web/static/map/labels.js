// Where names stand on the map: once a feature, however many tiles it is cut into.

export const EMPTY = { type: "FeatureCollection", features: [] };

/** A point for each area's name: the middle of its pieces, or of the largest where that is in none. */
export function labelPoints(pieces, layer) {
  const found = new Map();
  for (const piece of pieces) {
    const name = piece.properties[layer.name];
    if (name === undefined) continue;
    const known = piece.id ?? piece.properties[layer.key] ?? name;
    const parts = ringsOf(piece.geometry).map(middleOf);
    found.set(known, { name, parts: [...(found.get(known)?.parts ?? []), ...parts] });
  }
  const features = [...found.values()].filter(({ parts }) => parts.length).map(({ name, parts }) => ({
    type: "Feature",
    properties: { [layer.name]: name },
    geometry: { type: "Point", coordinates: standing(parts) },
  }));
  return { type: "FeatureCollection", features };
}

/** The outer rings of an area. */
function ringsOf({ type, coordinates }) {
  if (type === "Polygon") return [coordinates[0]];
  return type === "MultiPolygon" ? coordinates.map((part) => part[0]) : [];
}

/** The area of a ring and its centroid (the shoelace formula, about its first point). */
function middleOf(ring) {
  const [[left, low]] = ring;
  let [area, x, y] = [0, 0, 0];
  for (let place = 1; place < ring.length; place += 1) {
    const [[x0, y0], [x1, y1]] = [ring[place - 1], ring[place]].map(([a, b]) => [a - left, b - low]);
    const cross = x0 * y1 - x1 * y0;
    area += cross / 2;
    x += (x0 + x1) * cross;
    y += (y0 + y1) * cross;
  }
  const at = area ? [left + x / (6 * area), low + y / (6 * area)] : [left, low];
  return { ring, area: Math.abs(area), at };
}

function standing(parts) {
  const whole = parts.reduce((sum, part) => sum + part.area, 0);
  const largest = parts.reduce((most, part) => (part.area > most.area ? part : most));
  if (!whole) return largest.at;
  const middle = [0, 1].map((axis) => parts.reduce((sum, part) => sum + part.at[axis] * part.area, 0) / whole);
  return parts.some((part) => isWithin(middle, part.ring)) ? middle : largest.at;
}

function isWithin([x, y], ring) {
  let within = false;
  for (let place = 1; place < ring.length; place += 1) {
    const [[x0, y0], [x1, y1]] = [ring[place - 1], ring[place]];
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) * (x1 - x0)) / (y1 - y0)) within = !within;
  }
  return within;
}
