// A parent like the daemon, for tests that kill it: it runs the engine and a camera program, and prints the ids of its children.
// Arguments: the path of the engine's child, then the command of the camera.
import { readFileSync } from 'node:fs';
import { spawnCameraChild } from '../../src/camera/child.js';
import { createEngine } from '../../src/engine/supervisor.js';

const [childPath = '', ...command] = process.argv.slice(2);
const engine = createEngine({ childPath, delegate: false });
await engine.start();
spawnCameraChild({ argv: command, env: {}, stdin: null, graceMs: 1000, onData() {}, onLine() {} });
const picture = { width: 2, height: 2, format: 'rgb', stride: 6, data: new Uint8Array(12) } as const;
engine.analyze({ ...picture, capturedAt: 0, sequence: 0 }, { search: 'auto' }).catch(() => {});
setTimeout(() => {
  process.stdout.write(readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8'));
}, 300);
