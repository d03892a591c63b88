// What a daemon answers that sees, knows and does nothing. A test adds what it is about.
import type { DaemonStatus } from '../../src/control/protocol.js';
import type { ControlHandlers } from '../../src/control/server.js';

export const idleStatus: DaemonStatus = {
  version: '0',
  room: 'lab',
  pid: process.pid,
  uptimeSeconds: 0,
  recognition: 'on',
  recognitionReason: null,
  problems: [],
  camera: { state: 'starting', reason: null, frames: 0, drops: 0, reopened: 0 },
  engine: null,
  frames: { processed: 0, fps: 0, analysedFps: 0, search: 'full', p50Ms: null, p95Ms: null },
  gallery: { people: 0, templates: 0 },
  mqtt: { connected: false, url: 'broker:1883', reason: null },
  presence: { occupied: null, people: null, ambiguous: null, strangers: null },
  fixedFaces: [],
};

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
  pictures: () => () => {},
  picture: () => ({ jpeg: null }),
  engine: () => ({
    detector: 'yunet',
    embedder: 'none',
    embedderRuntime: 'tflite',
    space: 'none',
    dimension: 192,
    delegate: 'none',
    delegateReason: null,
    sandboxed: false,
    sandboxReason: null,
    addonReason: null,
  }),
  analyze: async () => ({ faces: [], times: { detectMs: 0, alignMs: 0, embedMs: 0, tiles: 0 } }),
  report: async () => ({}),
};
