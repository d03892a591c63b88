// roomkin enrol NAME --live: the room's own camera, through the running daemon. Nothing is kept before the last look was taken,
// and then in one transaction; no picture comes here.

import { createHash } from 'node:crypto';
import { fail, oneLine, RoomkinError } from '../../base/errors.js';
import { decodeEmbedding, type LiveFace } from '../../control/protocol.js';
import { outliers } from '../../gallery/enrolment.js';
import {
  advice,
  beginGuidance,
  count,
  type Guidance,
  type GuidedFace,
  good,
  guide,
  isEnough,
  isStuck,
  leftOutWords,
  poses,
  wanted,
  wantedSamples,
} from '../../gallery/guided-enrolment.js';
import { foldName } from '../../gallery/names.js';
import type { NewTemplate, Store } from '../../store/store.js';
import type { CommandIo } from '../command.js';
import { daemonPlace, openGallery } from '../parts.js';
import { keepSamples, refuseTooAlike } from './keep.js';
import { type LiveFeed, openLiveFeed } from './live-feed.js';
import { selfTest } from './live-self-test.js';

/** Without a frame for so long, a camera that was reopened is not coming back by itself. */
const blindMs = 15_000;
/** From here on whoever stands there is told that no picture comes; the slowest camera gives one each 5 s. */
const silentMs = 6000;

/**
 * Enrols whoever stands before the camera as `name`, which has passed `checkName`. Errors: CAMERA_BLIND, LOOKS_MISSING,
 * PERSON_TOO_ALIKE, DAEMON_NOT_RUNNING, those of the gallery: nothing was enrolled then.
 */
export async function enrolLive(name: string, force: boolean, io: CommandIo): Promise<void> {
  const config = io.config();
  // Before anybody takes up a pose: whoever may not write the gallery is told now.
  using store = openGallery(io);
  using feed = openLiveFeed(daemonPlace(config), io.signal);
  const mirrored = config.camera.hflip !== config.camera.vflip;
  const { guidance, space } = await taken(feed, { name, force, mirrored }, store, io).catch(nothingEnrolled);
  io.progress('');

  const looks = guidance.samples.map(({ vector, quality }) => ({ space, vector, quality, source: sourceOf(vector) }));
  const odd = outliers(looks);
  const kept = store.change((changes) => {
    const good = looks.filter((look) => !odd.includes(look));
    return keepSamples(changes, { name, looks: good, space, force, what: 'looks' }, io.log);
  });
  io.out(
    `${kept.name} (${kept.person}): ${looks.length} looks taken, ${kept.added} kept; ${kept.templates} looks in all${leftOutWords(guidance)}`,
  );
  const test = await selfTest(feed, kept, space, store, io);
  const poseCounts = Object.fromEntries(poses.map((pose) => [pose, count(guidance.samples, pose)]));
  io.document({ people: [{ ...kept, looks: looks.length, poses: poseCounts }], selfTest: test });
}

interface Taken {
  readonly guidance: Guidance;
  readonly space: string;
}

/** Guides until there are looks enough. */
async function taken(
  feed: LiveFeed,
  { name, force, mirrored }: { readonly name: string; readonly force: boolean; readonly mirrored: boolean },
  store: Store,
  io: CommandIo,
): Promise<Taken> {
  let guidance = beginGuidance(performance.now());
  let seenMs = guidance.atMs;
  let blind = 'no frame was looked at';
  let space: string | null = null;
  for (;;) {
    const update = await feed.next();
    const atMs = performance.now();
    if (update?.type === 'blind') {
      if (update.paused)
        throw fail('CAMERA_BLIND', 'recognition is switched off in this room: roomkin resume, then once more');
      blind = update.reason;
    }
    if (update?.type === 'frame') {
      seenMs = atMs;
      // A daemon that was restarted with another embedder would have ended this connection.
      space = update.space;
      const before = guidance;
      guidance = guide(before, update.faces.map(guidedFace), atMs);
      if (!force && before.next === 'front' && guidance.next !== 'front') refuseEarly(guidance, space);
    } else if (update?.type === 'blind' || atMs - seenMs >= silentMs) guidance = guide(guidance, null, atMs);
    io.meter(meterLines(guidance, mirrored));
    if (guidance.next === null && space !== null) return { guidance, space };
    if (atMs - seenMs >= blindMs)
      throw fail('CAMERA_BLIND', `the camera gives no picture (${oneLine(blind, 200)}): roomkin check says more`);
    if (!isStuck(guidance)) continue;
    const why = `no good look for a minute: ${advice(guidance, mirrored)}`;
    if (!isEnough(guidance) || space === null) throw fail('LOOKS_MISSING', why);
    io.log('warning', `${why}; ${name} is enrolled with the looks taken so far`);
    return { guidance, space };
  }

  /** Whoever is somebody else already need not turn their head. */
  function refuseEarly(now: Guidance, inSpace: string): void {
    const self = store.people().find((person) => foldName(person.name) === foldName(name))?.id ?? null;
    refuseTooAlike({ name, looks: now.samples, what: 'looks' }, store.gallery(inSpace), self);
  }
}

function guidedFace({ score, quality, embedding }: LiveFace): GuidedFace {
  return { score, quality, embedding: embedding === null ? null : decodeEmbedding(embedding) };
}

/** Stands in for a photo's hash: the same look is the same bytes. */
function sourceOf(vector: Float32Array): NewTemplate['source'] {
  return createHash('sha256')
    .update('live')
    .update(Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength))
    .digest();
}

/** Says once, whatever happened, that nothing was kept. */
function nothingEnrolled(error: unknown): never {
  if (!(error instanceof RoomkinError) || error.message.includes('nothing was enrolled')) throw error;
  throw fail(error.code, `${error.message}; nothing was enrolled`, error.cause);
}

// A guided enrolment as text: three lines that are redrawn in place, 79 columns at most.

const cells = 5;

/** The poses, the present face, and what to do. */
export function meterLines(now: Guidance, mirrored: boolean): string[] {
  const looks = poses.map((pose) => `${pose} ${bar(count(now.samples, pose), wanted[pose], wanted[pose])}`);
  const told = `${now.samples.length}/${wantedSamples} ${advice(now, mirrored)}`;
  return [`  ${looks.join('  ')}`, `  ${faceLine(now)}`, told];
}

function faceLine({ face }: Guidance): string {
  if (face === null) return 'no face';
  const { eyesPx, light, sharpness, yawDegrees, pitchDegrees } = face.quality;
  const whole = (degrees: number) => Math.round(degrees) || 0;
  return [
    `size ${bar(eyesPx, good.eyesPx)}`,
    `light ${bar(light, good.leastLight)}`,
    `sharp ${bar(sharpness, good.sharpness)}`,
    // As the person sees it: their own left is the image's right.
    `turned ${Math.abs(whole(yawDegrees))} ${yawDegrees > 0 ? 'left' : 'right'}, ${Math.abs(whole(pitchDegrees))} ${pitchDegrees > 0 ? 'up' : 'down'}`,
  ].join('  ');
}

/** Full only where there is enough. */
function bar(value: number, enough: number, width = cells): string {
  const full = Math.max(0, Math.min(width, Math.floor((width * value) / enough)));
  return '#'.repeat(full) + '.'.repeat(width - full);
}
