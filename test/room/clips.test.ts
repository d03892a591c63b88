// Recorded clips always replay to the same events, and the files match their scenes.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
import { refusal, strangerGate } from '../../src/vision/quality-gate.js';
import { decodeClip, encodeClip } from './clip-file.js';
import { clipOptions } from './clip-options.js';
import { eventLines, replay } from './replay-clip.js';
import { scenes } from './scenes.js';
import { simulate } from './simulator.js';

const folder = join(packageRoot, 'test', 'clips');
const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));

t.test('every scene has its clip', async (t) => {
  t.strictSame(files.map((name) => name.replace('.jsonl', '')).sort(), Object.keys(scenes).sort());
});

for (const file of files) {
  t.test(`${file} replays to its events`, async (t) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const clip = decodeClip(text);
    const first = eventLines(replay(clip.frames, clip.gallery, clipOptions).events);
    t.strictSame(first, clip.events);
    t.strictSame(
      eventLines(replay(clip.frames, clip.gallery, clipOptions).events),
      first,
      'a second replay gives the same events',
    );
    t.strictSame(decodeClip(encodeClip(clip, clip.events)), clip, 'writing and reading changes nothing');
    t.equal(simulate(scenes[file.replace('.jsonl', '')]!).frames.length, clip.frames.length);
  });
}

t.test('a clip that was recorded before roll, misfit, glare and clarity were measured is read', async (t) => {
  const text = readFileSync(join(folder, 'stranger.jsonl'), 'utf8');
  t.notMatch(text, 'rollDegrees', 'it is such a clip');
  const faces = decodeClip(text).frames.flatMap((frame) => frame.faces);
  t.ok(faces.length > 0);
  t.ok(faces.every(({ quality }) => quality.clarity === null && quality.rollDegrees === 0));
  t.ok(faces.some((face) => refusal(face, strangerGate) === null));
});

t.test('the clips show what their scenes describe', async (t) => {
  const play = (name: string) => {
    const { frames, gallery } = decodeClip(readFileSync(join(folder, `${name}.jsonl`), 'utf8'));
    return replay(frames, gallery, clipOptions);
  };
  const events = (name: string) => play(name).events.map((event) => `${event.type} ${event.person ?? ''}`.trim());
  t.strictSame(events('turns-away'), ['arrived ada', 'left ada'], 'turning away is not leaving');
  t.strictSame(events('meet').sort(), ['arrived ada', 'arrived ben', 'left ada', 'left ben']);
  t.strictSame(
    events('stranger'),
    ['arrived ada', 'stranger_arrived', 'stranger_left', 'left ada'],
    'one unknown person arrives once',
  );
  t.strictSame(events('look-alikes'), [], 'no name is guessed');
  const ambiguous = play('look-alikes').steps.map(({ snapshot }) =>
    snapshot.ambiguous.map(({ people }) => people.join()).join(),
  );
  t.ok(ambiguous.includes('ben,bob'), 'both names are published');
  t.equal(ambiguous.at(-1), '', 'until the person left');
  t.strictSame(events('blind'), ['arrived ada', 'left ada'], 'nobody leaves while the camera is blind');
});
