// A gallery of unit vectors along the axes, for tests that need exact similarities.
import type { Gallery, Person } from '../../src/gallery/person.js';

/** `cosines` along the first axes, the rest of the length along the last axis: unit length. */
export function vector(...cosines: number[]): Float32Array {
  const rest = 1 - cosines.reduce((sum, value) => sum + value * value, 0);
  const result = new Float32Array(8);
  result.set(cosines);
  result[7] = Math.sqrt(Math.max(0, rest));
  return result;
}

/** A person on axis `axis` with one template. */
export function person(id: string, axis: number): Person {
  const template = new Float32Array(8);
  template[axis] = 1;
  return { id, name: id.charAt(0).toUpperCase() + id.slice(1), templates: [{ id: 1, vector: template }] };
}

/** Ada on axis 0, Ben on axis 1. */
export const household: Gallery = {
  space: 'test',
  version: 1,
  cohort: [],
  people: [person('ada', 0), person('ben', 1)],
};
