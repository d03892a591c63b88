// What a daemon answers that sees, knows and does nothing. A test adds what it is about.
import type { ControlHandlers } from '../../src/control/server.js';

export const idleHandlers: Omit<ControlHandlers, 'status'> = {
  why: () => [],
  pause: async () => {},
  resume: async () => {},
  watch: () => () => {},
  live: () => () => {},
  look: async () => ({
    at: '',
    width: 1,
    height: 1,
    leastEyesPx: 12,
    faces: [],
    picture: { width: 1, height: 1, jpeg: '' },
  }),
  engine: () => ({
    detector: 'yunet',
    embedder: 'none',
    space: 'none',
    dimension: 192,
    delegate: 'none',
    delegateReason: null,
    sandboxed: false,
    sandboxReason: null,
  }),
  analyze: async () => ({ faces: [], times: { detectMs: 0, alignMs: 0, embedMs: 0, tiles: 0 } }),
  report: async () => ({}),
};
