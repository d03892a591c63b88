// The scenes of test/clips. Every person in them is a random vector.
import type { Scene } from './simulator.js';

const defaults = { dimension: 24, framesPerSecond: 5, templates: 2, missed: 0.1, similarity: 0.85 } as const;

export const scenes: Readonly<Record<string, Scene>> = {
  /** Ada walks in, turns away for six seconds, turns back, and walks out. */
  'turns-away': {
    ...defaults,
    seed: 11,
    durationMs: 35_000,
    residents: ['ada', 'ben'],
    walks: [{ who: 'ada', fromMs: 1000, toMs: 17_000, x0: 200, x1: 700, y: 400, away: [6000, 12_000] }],
  },
  /** Ada and Ben cross the room in opposite directions, Ben stays longer. */
  meet: {
    ...defaults,
    seed: 12,
    durationMs: 35_000,
    residents: ['ada', 'ben'],
    walks: [
      { who: 'ada', fromMs: 1000, toMs: 11_000, x0: 100, x1: 1100, y: 400 },
      { who: 'ben', fromMs: 1000, toMs: 16_000, x0: 1100, x1: 100, y: 420 },
    ],
  },
  /** An unknown person arrives while Ada is there, turns away and back, and leaves. */
  stranger: {
    ...defaults,
    seed: 13,
    durationMs: 45_000,
    residents: ['ada', 'ben'],
    walks: [
      { who: 'ada', fromMs: 1000, toMs: 30_000, x0: 300, x1: 320, y: 400 },
      { who: 'zoe', fromMs: 4000, toMs: 20_000, x0: 1100, x1: 700, y: 380, away: [10_000, 14_000] },
    ],
  },
  /** Ben and Bob look alike. Only Bob is there, but neither name is guessed. */
  'look-alikes': {
    ...defaults,
    seed: 14,
    durationMs: 20_000,
    residents: ['ben', 'bob'],
    alike: [['ben', 'bob', 0.97]],
    walks: [{ who: 'bob', fromMs: 1000, toMs: 9000, x0: 300, x1: 700, y: 400 }],
  },
  /** The camera is blind for twenty seconds while Ada sits there. */
  blind: {
    ...defaults,
    seed: 15,
    durationMs: 40_000,
    residents: ['ada'],
    walks: [{ who: 'ada', fromMs: 1000, toMs: 28_000, x0: 500, x1: 500, y: 400 }],
    blind: [5000, 25_000],
  },
};
