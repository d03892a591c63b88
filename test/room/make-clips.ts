// Writes test/clips/*.jsonl from the scenes: `node .test-build/test/room/make-clips.js`. It also prints the events of each clip;
// check them before you commit the files.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/files.js';
import { encodeClip } from './clip-file.js';
import { clipOptions } from './clip-options.js';
import { eventLines, replay } from './replay-clip.js';
import { scenes } from './scenes.js';
import { simulate } from './simulator.js';

for (const [name, scene] of Object.entries(scenes)) {
  const clip = simulate(scene);
  const events = eventLines(replay(clip.frames, clip.gallery, clipOptions).events);
  writeFileSync(join(packageRoot, 'test', 'clips', `${name}.jsonl`), encodeClip(clip, events));
  process.stdout.write(`${name}\n  ${events.join('\n  ')}\n`);
}
