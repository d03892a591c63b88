// Portraits in random rooms, with people who walk by and before them. ROOMKIN_SEQUENCES sets how many are tried.
import fc from 'fast-check';
import t from 'tap';
import { replayJournal } from '../../src/journal/replay.js';
import { restoreStaticFaces, type StaticFace, staticFaces } from '../../src/recognition/static-faces.js';
import { keptLooks } from '../journal/made-journal.js';
import { clipOptions } from '../room/clip-options.js';
import { replay } from '../room/replay-clip.js';
import { randomScene, withPortraits } from '../room/sequences.js';
import { type Scene, simulate, type Walk } from '../room/simulator.js';

t.setTimeout(600_000);
const sequences = Number(process.env['ROOMKIN_SEQUENCES'] ?? 100);
/** Twelve seconds instead of an hour. */
const options = { ...clipOptions, staticFaces: { afterMs: 12_000, gapMs: 2000 } };

const isAt = ({ box: [x, y, w, h] }: Pick<StaticFace, 'box'>, portrait: Walk): boolean =>
  Math.hypot(x + w / 2 - portrait.x0, y + h / 2 - portrait.y) < 20;

t.test(`in ${sequences} random sequences only portraits are taken for pictures, and then name nobody`, async (t) => {
  let found = 0;
  let hung = 0;
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
        const { scene, portraits } = withPortraits(randomScene(seed), seed);
        const { steps } = played(scene);
        // For each portrait: since when it has been one.
        const since = new Map<Walk, number>();
        for (const { state, observations: looks, events } of steps) {
          const pictures = staticFaces(state.staticFaces, options.staticFaces);
          for (const picture of pictures) {
            if (!portraits.some((portrait) => isAt(picture, portrait)))
              throw new Error(`a walker was taken for a picture at ${picture.box}`);
          }
          for (const portrait of portraits) {
            if (!pictures.some((picture) => isAt(picture, portrait))) since.delete(portrait);
            else if (!since.has(portrait)) since.set(portrait, state.presence.atMs!);
          }
          for (const { box, person, atMs } of looks) {
            const portrait = portraits.find((one) => isAt({ box }, one));
            if (portrait === undefined || person !== portrait.who || isCrossed(scene, portrait, atMs)) continue;
            if (since.has(portrait)) throw new Error(`the portrait of ${person} has the name at ${atMs} ms`);
          }
          for (const { type, person, atMs } of events) {
            const portrait = portraits.find((one) => one.who === person);
            const alive = scene.walks.some(
              (walk) => walk.who === person && walk !== portrait && walk.toMs > atMs - 9000,
            );
            const alike = (scene.alike ?? []).some((pair) => pair.includes(person!));
            if (type === 'arrived' && portrait !== undefined && since.has(portrait) && !alive && !alike)
              throw new Error(`${person} arrived by a portrait at ${atMs} ms`);
          }
        }
        hung += portraits.length;
        found += since.size;
      }),
      { numRuns: sequences, seed: 20261123 },
    ),
  );
  t.ok(found > 0.9 * hung, `${found} of ${hung} portraits were found out`);
});

t.test('replay finds the same pictures in what was kept, and changes nothing', async (t) => {
  let compared = 0;
  for (let seed = 1; seed <= 15; seed++) {
    const { scene } = withPortraits(randomScene(seed, 10), seed);
    const { frames, gallery } = simulate(scene);
    const times = frames.map((frame) => frame.capturedAt);
    const looks = keptLooks(replay(frames, gallery, options), times);
    const all = replayJournal(() => looks, gallery, options);
    t.strictSame(
      all.filter(({ before, after }) => before.person !== after.person),
      [],
      `seed ${seed}`,
    );
    compared += all.length;
  }
  t.ok(compared > 40);
});

t.test('replay leaves a picture that was known from before the record nobody', async (t) => {
  const portrait = { who: 'ada', fromMs: 0, toMs: 8000, x0: 300, x1: 300, y: 400 };
  const usual = {
    seed: 5,
    dimension: 64,
    framesPerSecond: 5,
    durationMs: 8000,
    templates: 3,
    missed: 0,
    similarity: 0.9,
  };
  const { frames, gallery } = simulate({ ...usual, residents: ['ada', 'ben'], walks: [portrait] });
  const known = restoreStaticFaces([1280, 960], [{ box: [255, 355, 90, 90], stillMs: 3_600_000 }]);
  const times = frames.map((frame) => frame.capturedAt);
  const kept = keptLooks(replay(frames, gallery, clipOptions, known), times);
  t.match(
    replayJournal(() => kept, gallery, clipOptions),
    [{ before: { person: null }, after: { person: null } }],
  );
  const never = { ...clipOptions, staticFaces: { ...clipOptions.staticFaces, afterMs: Number.POSITIVE_INFINITY } };
  t.match(
    replayJournal(() => kept, gallery, never),
    [{ after: { person: 'ada' } }],
    'unless pictures are not looked for any more',
  );
});

function played(scene: Scene) {
  const { frames, gallery } = simulate(scene);
  return replay(frames, gallery, options);
}

/** Whether somebody is so near to the portrait now, or was just before, that one face may be taken for the other. */
function isCrossed(scene: Scene, portrait: Walk, atMs: number): boolean {
  return scene.walks.some((walk) => {
    if (walk === portrait || atMs < walk.fromMs || atMs > walk.toMs + 8000) return false;
    return Math.abs(walk.y - portrait.y) < 150;
  });
}
