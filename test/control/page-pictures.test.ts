// The pictures of faces for the page of `roomkin open`: in memory, bounded, and gone when they must be.
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import t from 'tap';
import { createPagePictures, mostPictures } from '../../src/control/page-pictures.js';
import type { PictureUpdate } from '../../src/control/protocol.js';
import type { DecidedObservation } from '../../src/recognition/observation.js';
import { madeUpEntry } from '../journal/made-up-observations.js';

const seen = (track: number, person: string | null, weight = 1, eyesPx = 40): DecidedObservation => {
  const { quality, ...entry } = madeUpEntry({ track, person, best: person, runnerUp: null, weight });
  return { ...entry, quality: { ...quality, eyesPx }, reason: { kind: 'nothing-compared' } };
};
const grey = (value: number): Uint8Array => new Uint8Array(112 * 112 * 3).fill(value);

/** A page that is open, with what it was told. */
function opened(isAllowed = true) {
  const pictures = createPagePictures(isAllowed);
  let last: PictureUpdate['pictures'] = [];
  const close = pictures.follow((update) => {
    last = update.pictures;
  });
  const tracks = (): number[] => last.map(({ track }) => track);
  return {
    pictures,
    close,
    tracks,
    /** Waits until these tracks have pictures. */
    async until(...expected: number[]): Promise<void> {
      for (let n = 0; n < 1000 && String(tracks()) !== String(expected); n++) await sleep(10);
      t.strictSame(tracks(), expected);
    },
    idOf: (track: number) => last.find((picture) => picture.track === track)?.id,
  };
}

async function level(jpeg: Uint8Array | null): Promise<number> {
  const { channels } = await sharp(jpeg!).stats();
  return Math.round(channels[0]!.mean);
}

t.test('each track has its best picture, a small JPEG', async (t) => {
  const { pictures, until, idOf } = opened();
  t.ok(pictures.isOpen);
  pictures.frame({ crops: [grey(60), grey(180)] }, [seen(1, 'ada', 0.5), seen(2, null)]);
  await until(1, 2);
  t.ok(pictures.jpeg(1)!.length < 6000);
  t.ok(Math.abs((await level(pictures.jpeg(1))) - 60) < 4);
  const first = idOf(1);
  pictures.frame({ crops: [grey(100)] }, [seen(1, 'ada', 0.5)]);
  pictures.frame({ crops: [grey(200)] }, [seen(1, 'ada', 0.9)]);
  await until(2, 1);
  for (let n = 0; n < 1000 && idOf(1) === first; n++) await sleep(10);
  t.not(idOf(1), first, 'a better picture has another id');
  t.ok(Math.abs((await level(pictures.jpeg(1))) - 200) < 4);
  t.equal(pictures.jpeg(3), null);
});

t.test('at most 50 tracks have one, the last ones', async (t) => {
  const { pictures, until } = opened();
  for (let track = 1; track <= mostPictures + 10; track++)
    pictures.frame({ crops: [grey(track)] }, [seen(track, null)]);
  await until(...Array.from({ length: mostPictures }, (_, i) => i + 11));
  t.equal(mostPictures, 50);
  t.equal(pictures.jpeg(10), null);
});

t.test('a pause erases all, a forgotten person erases theirs, at once', async (t) => {
  const { pictures, until, tracks } = opened();
  const frame = () =>
    pictures.frame({ crops: [grey(1), grey(2), grey(3)] }, [seen(1, 'ada'), seen(2, 'grace'), seen(3, null)]);
  frame();
  await until(1, 2, 3);
  pictures.keepOnly(new Set(['ada']));
  t.strictSame(tracks(), [1, 3]);
  t.equal(pictures.jpeg(2), null);
  frame();
  await until(1, 3);
  t.equal(pictures.jpeg(2), null, 'the track of a forgotten person gets no picture again');
  pictures.frame({ crops: [grey(9)] }, [seen(4, null)]);
  pictures.clear();
  t.strictSame(tracks(), []);
  await sleep(200);
  t.strictSame([tracks(), pictures.jpeg(4)], [[], null], 'nor one that was being encoded');
});

t.test('a face without a due embedding has a picture only where it is known whose it is', async (t) => {
  const { pictures, until, tracks } = opened();
  const continued = (track: number, person: string | null) => ({
    ...seen(track, person, 0),
    best: null,
    embedding: null,
    isContinued: true,
  });
  pictures.frame({ crops: [grey(1), grey(2)] }, [continued(1, 'ada'), continued(2, null)]);
  await until(1);
  await sleep(200);
  t.strictSame(tracks(), [1], 'nobody could erase the other one');
  pictures.frame({ crops: [grey(3)] }, [{ ...seen(2, null), best: 'grace' }]);
  await until(1, 2);
  pictures.keepOnly(new Set(['ada']));
  t.strictSame(tracks(), [1]);
});

t.test('without a page, or where they are not allowed, there are none', async (t) => {
  const { pictures, close, until, tracks } = opened();
  const frame = { crops: [grey(1)] };
  pictures.frame(frame, [seen(1, 'ada')]);
  await until(1);
  close();
  t.notOk(pictures.isOpen);
  t.equal(pictures.jpeg(1), null);
  pictures.frame(frame, [seen(1, 'ada')]);
  const again = pictures.follow(() => {});
  t.equal(pictures.jpeg(1), null, 'a new page starts empty');
  again();
  const forbidden = opened(false);
  t.notOk(forbidden.pictures.isOpen, 'no analysis carries a face');
  forbidden.pictures.frame(frame, [seen(1, 'ada')]);
  await sleep(200);
  t.strictSame([forbidden.tracks(), forbidden.pictures.jpeg(1), tracks()], [[], null, [1]]);
});
