// roomkin enrol NAME --live: samples from the room's own camera, through the running daemon. Nothing is stored before the last
// sample is taken, and then in one transaction. No picture reaches this process.

import { createHash } from 'node:crypto';
import { fail, oneLine, RoomkinError } from '../../base/errors.js';
import { usualInterval, windowMs } from '../../base/pace.js';
import { decodeEmbedding, type LiveFace } from '../../control/protocol.js';
import { outliers } from '../../gallery/enrolment.js';
import {
  advice,
  count,
  type Guidance,
  type GuidedFace,
  good,
  guide,
  isEnough,
  isStuck,
  leftOutWords,
  poses,
  startGuidance,
  wanted,
  wantedSamples,
} from '../../gallery/guided-enrolment.js';
import { foldName } from '../../gallery/names.js';
import type { NewTemplate, Store } from '../../store/store.js';
import type { CommandIo } from '../command.js';
import { daemonSocket, openGallery } from '../parts.js';
import { chooseSamples, keepSamples, refuseTooAlike } from './keep.js';
import { type LiveFeed, openLiveFeed } from './live-feed.js';
import { selfTest } from './live-self-test.js';

/** After this time (and four frames) without a frame, a camera that was reopened does not recover by itself. */
const blindMs = 15_000;
/** After this time (and two frames) without a frame, the guidance says that no picture arrives; the slowest camera gives one each 5 s. */
const silentMs = 6000;

/**
 * Enrols the person in front of the camera as `name`, which has passed `checkName`. Errors: CAMERA_BLIND, LOOKS_MISSING,
 * PERSON_TOO_ALIKE, DAEMON_NOT_RUNNING, those of the gallery: nothing was enrolled then.
 */
export async function enrolLive(name: string, force: boolean, io: CommandIo): Promise<void> {
  const config = io.room();
  // Opened before the guidance starts: a user who may not write the gallery learns it before taking up a pose.
  using store = openGallery(io);
  using feed = openLiveFeed(daemonSocket(config), io.signal);
  const mirrored = config.camera.hflip !== config.camera.vflip;
  const { guidance, space } = await takeSamples(feed, { name, force, mirrored }, store, io).catch(nothingEnrolled);
  io.progress('');

  const samples = guidance.samples.map(({ vector, quality }) => ({ space, vector, quality, source: sourceOf(vector) }));
  const odd = outliers(samples);
  const consistent = samples.filter((sample) => !odd.includes(sample));
  const enrolment = { name, samples: consistent, space, force, what: 'samples' } as const;
  const chosen = chooseSamples(store, enrolment, io);
  io.progress('');
  const result = store.change((changes) => keepSamples(changes, enrolment, chosen, io.log));
  io.out(
    `${result.name} (${result.person}): ${samples.length} samples taken${leftOutWords(guidance)}; ` +
      `${result.added} added, ${result.templates} photos in use`,
  );
  const test = await selfTest(feed, result, space, store, io);
  const poseCounts = Object.fromEntries(poses.map((pose) => [pose, count(guidance.samples, pose)]));
  io.document({ people: [{ ...result, looks: samples.length, poses: poseCounts }], selfTest: test });
}

interface GuidedSamples {
  readonly guidance: Guidance;
  readonly space: string;
}

/** Guides the person until there are enough samples. */
async function takeSamples(
  feed: LiveFeed,
  { name, force, mirrored }: { readonly name: string; readonly force: boolean; readonly mirrored: boolean },
  store: Store,
  io: CommandIo,
): Promise<GuidedSamples> {
  let guidance = startGuidance(io.clock.monotonicMs());
  let frameMs = guidance.atMs;
  let blindReason = 'no frame was analysed';
  let space: string | null = null;
  for (;;) {
    const update = await feed.next();
    const atMs = io.clock.monotonicMs();
    const intervalMs = usualInterval(guidance.pace) ?? 0;
    if (update?.type === 'blind') {
      if (update.paused)
        throw fail(
          'CAMERA_BLIND',
          'recognition is switched off in this room: switch it on with roomkin resume, then try again',
        );
      blindReason = update.reason;
    }
    if (update?.type === 'frame') {
      frameMs = atMs;
      // The space cannot change within one connection: a daemon that restarts with another embedder ends the connection.
      space = update.space;
      const before = guidance;
      guidance = guide(before, update.faces.map(guidedFace), atMs);
      if (!force && before.next === 'front' && guidance.next !== 'front') refuseEarly(guidance, space);
    } else if (update?.type === 'blind' || atMs - frameMs >= windowMs(silentMs, 2, intervalMs))
      guidance = guide(guidance, null, atMs);
    io.meter(meterLines(guidance, mirrored));
    if (guidance.next === null && space !== null) return { guidance, space };
    if (atMs - frameMs >= windowMs(blindMs, 4, intervalMs))
      throw fail('CAMERA_BLIND', `the camera gives no picture (${oneLine(blindReason, 200)}): roomkin check says more`);
    if (!isStuck(guidance)) continue;
    const why = `no good sample for a minute: ${advice(guidance, mirrored)}`;
    if (!isEnough(guidance) || space === null) throw fail('LOOKS_MISSING', why);
    io.log('warning', `${why}; ${name} is enrolled with the samples taken so far`);
    return { guidance, space };
  }

  /** Checks after the frontal samples, so that somebody who is enrolled under another name need not turn their head. */
  function refuseEarly({ samples }: Guidance, inSpace: string): void {
    const self = store.people().find((person) => foldName(person.name) === foldName(name))?.id ?? null;
    refuseTooAlike({ name, samples, what: 'samples' }, store.gallery(inSpace), self);
  }
}

function guidedFace({ score, quality, embedding }: LiveFace): GuidedFace {
  return { score, quality, embedding: embedding === null ? null : decodeEmbedding(embedding) };
}

/** Used in place of a photo's hash: the same sample gives the same bytes. */
function sourceOf(vector: Float32Array): NewTemplate['source'] {
  return createHash('sha256')
    .update('live')
    .update(Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength))
    .digest();
}

/** Adds "nothing was enrolled" to a message that does not have it yet. */
function nothingEnrolled(error: unknown): never {
  if (!(error instanceof RoomkinError) || error.message.includes('nothing was enrolled')) throw error;
  throw fail(error.code, `${error.message}; nothing was enrolled`, error.cause);
}

// A guided enrolment as text: three lines that are redrawn in place, at most 79 columns wide.

const cells = 5;

/** The poses, the face in the picture, and what to do. */
export function meterLines(guidance: Guidance, mirrored: boolean): string[] {
  const poseBars = poses.map((pose) => `${pose} ${bar(count(guidance.samples, pose), wanted[pose], wanted[pose])}`);
  const instruction = `${guidance.samples.length}/${wantedSamples} ${advice(guidance, mirrored)}`;
  return [`  ${poseBars.join('  ')}`, `  ${faceLine(guidance)}`, instruction];
}

function faceLine({ face }: Guidance): string {
  if (face === null) return 'no face';
  const { eyesPx, light, sharpness, yawDegrees, pitchDegrees } = face.quality;
  const whole = (degrees: number) => Math.round(degrees) || 0;
  return [
    `size ${bar(eyesPx, good.eyesPx)}`,
    `light ${bar(light, good.leastLight)}`,
    `sharp ${bar(sharpness, good.sharpness)}`,
    // From the person's point of view: their left is the right of the image.
    `turned ${Math.abs(whole(yawDegrees))}° ${yawDegrees > 0 ? 'left' : 'right'}, ${Math.abs(whole(pitchDegrees))}° ${pitchDegrees > 0 ? 'up' : 'down'}`,
  ].join('  ');
}

/** A bar is full only when `value` reaches `enough`. */
function bar(value: number, enough: number, width = cells): string {
  const full = Math.max(0, Math.min(width, Math.floor((width * value) / enough)));
  return '#'.repeat(full) + '.'.repeat(width - full);
}
