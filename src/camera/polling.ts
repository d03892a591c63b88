// Polls an address that gives one picture for each request, one request after the other.
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../base/clock.js';
import { oneLine } from '../base/errors.js';
import { decodePicture } from './decode.js';
import type { CameraOptions } from './options.js';
import { type SnapshotAddress, SnapshotFault } from './snapshot-address.js';

export interface PollEnd {
  /** What the last request ended with. */
  readonly fault: string;
  /** Whether the address gave a picture, also one that could not be decoded. */
  readonly gavePicture: boolean;
}

/** A rejected login and an unknown path are not tried again at once. */
const isFinal = (fault: string): boolean => /^(401|403|404)\b/.test(fault);

/**
 * Gives pictures as `decodePicture` makes them, until there was none for `options.stallMs`, or until `signal` aborts. It returns after the
 * first request if that fails. A single picture that fails later is left out.
 */
export async function pollSnapshots(
  address: SnapshotAddress,
  options: CameraOptions,
  clock: Clock,
  signal: AbortSignal,
  give: (picture: Uint8Array, atMs: number) => void,
): Promise<PollEnd> {
  const patienceMs = Math.max(options.stallMs, 3 * options.snapshotMs);
  let gavePicture = false;
  let lastPictureAt = Number.NEGATIVE_INFINITY;
  for (;;) {
    const startedAt = clock.monotonicMs();
    let fault: string | null = null;
    try {
      const bytes = await address.get(signal);
      const atMs = clock.monotonicMs();
      gavePicture = true;
      const picture = await decodePicture(bytes, options);
      if (!signal.aborted) give(picture, atMs);
      lastPictureAt = atMs;
    } catch (error) {
      const { message } = error as Error;
      fault = error instanceof SnapshotFault ? message : `the picture is damaged (${oneLine(message, 200)})`;
    }
    if (signal.aborted) return { fault: 'stopped', gavePicture };
    const now = clock.monotonicMs();
    if (fault !== null && (isFinal(fault) || now - lastPictureAt >= patienceMs)) return { fault, gavePicture };
    await delay(Math.max(0, startedAt + options.snapshotMs - now), undefined, { signal }).catch(() => {});
  }
}
