// Portraits in random rooms, with people who walk past and in front of them. ROOMKIN_SEQUENCES sets how many are tried.
import fc from 'fast-check';
import t from 'tap';
import { replayJournal } from '../../src/journal/replay.js';
import { restoreStaticFaces, type StaticFace, staticFaces } from '../../src/recognition/static-faces.js';
import { sampledEntries } from '../journal/made-journal.js';
import { clipOptions } from '../room/clip-options.js';
import { replay } from '../room/replay-clip.js';
import { randomScene, withPortraits } from '../room/sequences.js';
import { type Scene, simulate, type Walk } from '../room/simulator.js';

t.setTimeout(600_000);
const sequences = Number(process.env['ROOMKIN_SEQUENCES'] ?? 10);
/** A face is static after twelve seconds instead of an hour. */
const options = { ...clipOptions, staticFaces: { afterMs: 12_000, gapMs: 2000 } };

const isAt = ({ box: [x, y, w, h] }: Pick<StaticFace, 'box'>, portrait: Walk): boolean =>
  Math.hypot(x + w / 2 - portrait.x0, y + h / 2 - portrait.y) < 20;

t.test(
  `in ${sequences} random sequences only portraits become static faces, and a static face has no name`,
  async (t) => {
    let foundCount = 0;
    let portraitCount = 0;
    t.doesNotThrow(() =>
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (seed) => {
          const { scene, portraits } = withPortraits(randomScene(seed), seed);
          const { steps } = played(scene);
          // For each portrait: since when it is a static face.
          const staticSince = new Map<Walk, number>();
          for (const { state, observations, events } of steps) {
            const found = staticFaces(state.staticFaces, options.staticFaces);
            for (const face of found) {
              if (!portraits.some((portrait) => isAt(face, portrait)))
                throw new Error(`a walker became a static face at ${face.box}`);
            }
            for (const portrait of portraits) {
              if (!found.some((face) => isAt(face, portrait))) staticSince.delete(portrait);
              else if (!staticSince.has(portrait)) staticSince.set(portrait, state.presence.atMs!);
            }
            for (const { box, person, atMs } of observations) {
              const portrait = portraits.find((candidate) => isAt({ box }, candidate));
              if (portrait === undefined || person !== portrait.who || isCrossed(scene, portrait, atMs)) continue;
              if (staticSince.has(portrait)) throw new Error(`the portrait of ${person} has the name at ${atMs} ms`);
            }
            for (const { type, person, atMs } of events) {
              const portrait = portraits.find((candidate) => candidate.who === person);
              const alive = scene.walks.some(
                (walk) => walk.who === person && walk !== portrait && walk.toMs > atMs - 9000,
              );
              const hasLookAlike = (scene.alike ?? []).some((pair) => pair.includes(person!));
              if (type === 'arrived' && portrait !== undefined && staticSince.has(portrait) && !alive && !hasLookAlike)
                throw new Error(`${person} arrived by a portrait at ${atMs} ms`);
            }
          }
          portraitCount += portraits.length;
          foundCount += staticSince.size;
        }),
        { numRuns: sequences, seed: 20261123 },
      ),
    );
    t.ok(foundCount > 0.9 * portraitCount, `${foundCount} of ${portraitCount} portraits became static faces`);
  },
);

t.test('a replay finds the same static faces in the journal and changes no name', async (t) => {
  let compared = 0;
  const scenes = Math.min(15, sequences / 2);
  for (let seed = 1; seed <= scenes; seed++) {
    const { scene } = withPortraits(randomScene(seed, 10), seed);
    const { frames, gallery } = simulate(scene);
    const times = frames.map((frame) => frame.capturedAt);
    const entries = sampledEntries(replay(frames, gallery, options), times);
    const replayed = replayJournal(() => entries, gallery, options);
    t.strictSame(
      replayed.filter(({ before, after }) => before.person !== after.person),
      [],
      `seed ${seed}`,
    );
    compared += replayed.length;
  }
  t.ok(compared > 2.5 * scenes, `${compared} tracks`);
});

t.test('a replay names no static face that was known before the journal begins', async (t) => {
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
  const entries = sampledEntries(replay(frames, gallery, clipOptions, known), times);
  t.match(
    replayJournal(() => entries, gallery, clipOptions),
    [{ before: { person: null }, after: { person: null } }],
  );
  const never = { ...clipOptions, staticFaces: { ...clipOptions.staticFaces, afterMs: Number.POSITIVE_INFINITY } };
  t.match(
    replayJournal(() => entries, gallery, never),
    [{ after: { person: 'ada' } }],
    'unless static faces are switched off',
  );
});

function played(scene: Scene) {
  const { frames, gallery } = simulate(scene);
  return replay(frames, gallery, options);
}

/** Whether somebody is or just was so near to the portrait that one face may be taken for the other. */
function isCrossed(scene: Scene, portrait: Walk, atMs: number): boolean {
  return scene.walks.some((walk) => {
    if (walk === portrait || atMs < walk.fromMs || atMs > walk.toMs + 8000) return false;
    return Math.abs(walk.y - portrait.y) < 150;
  });
}
