// Recorded sequences replay to the same events, every time; the files are what their scenes say.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { packageRoot } from '../../src/base/files.js';
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
    t.strictSame(eventLines(replay(clip.frames, clip.gallery, clipOptions).events), first, 'and again');
    t.equal(encodeClip(clip, clip.events), text, 'reading and writing changes nothing');
    t.equal(simulate(scenes[file.replace('.jsonl', '')]!).frames.length, clip.frames.length);
  });
}

t.test('what the clips are about', async (t) => {
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
    'one stranger, once',
  );
  t.strictSame(events('look-alikes'), [], 'nobody is guessed');
  const doubted = play('look-alikes').steps.map(({ snapshot }) =>
    snapshot.ambiguous.map(({ people }) => people.join()).join(),
  );
  t.ok(doubted.includes('ben,bob'), 'both are said');
  t.equal(doubted.at(-1), '', 'until they left');
  t.strictSame(events('blind'), ['arrived ada', 'left ada'], 'a blind camera makes nobody leave');
});
