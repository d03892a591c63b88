// Galleries of invented people: the templates are seeded unit vectors, not faces.
import { createHash } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seededRandom, seedOf } from '../../src/commands/evaluate/random.js';
import { openStore } from '../../src/store/gallery-store.js';
import type { NewTemplate, Store, StoreOptions } from '../../src/store/store.js';
import type { Quality } from '../../src/vision/face.js';
import { direction } from '../room/simulator.js';

export const space = 'test-space';

export const quality: Quality = {
  eyesPx: 60,
  sharpness: 0.5,
  yawDegrees: 0,
  pitchDegrees: 0,
  light: 0.5,
  contrast: 0.2,
  rollDegrees: 3,
  misfit: 0.06,
  glare: 0.01,
  clarity: 0.98,
};

/** A unit vector of 192 numbers, always the same for one seed. */
export function madeUpVector(seed: string): Float32Array {
  return direction(192, seededRandom(seedOf(seed, 0)));
}

/** A unit vector: the sum of made-up ones by their seeds, each times its share. */
export function mixed(shares: Readonly<Record<string, number>>): Float32Array {
  const sum = new Float32Array(192);
  for (const [seed, share] of Object.entries(shares))
    for (const [n, value] of madeUpVector(seed).entries()) sum[n]! += share * value;
  const length = Math.hypot(...sum);
  return sum.map((value) => value / length);
}

export function madeUpTemplate(seed: string): NewTemplate {
  return { space, vector: madeUpVector(seed), quality, source: createHash('sha256').update(seed).digest() };
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'roomkin-store-'));
}

export function openTestStore(directory: string, options: Partial<StoreOptions> = {}): Store {
  return openStore({ directory, keyFile: join(directory, 'key'), ...options });
}

/** Enrols `name` with `count` templates in one change and returns the id. */
export function enrolMadeUp(store: Store, name: string, count = 2): string {
  return store.change((changes) => {
    const id = changes.person(name);
    for (let i = 0; i < count; i += 1) changes.addTemplate(id, madeUpTemplate(`${name}/${i}`));
    return id;
  });
}
