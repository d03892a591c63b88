// Rounds of the pipeline: one per opening of the camera. Between rounds the camera is switched off, or a recording is over.
import { setTimeout as wait } from 'node:timers/promises';
import type { Log } from './base/log.js';
import type { PipelineParts } from './pipeline.js';
import { pipeline } from './pipeline.js';
import type { PrivacySwitch } from './privacy-switch.js';
import type { Notifier } from './service/notify.js';

export interface WatchParts
  extends Pick<PipelineParts, 'camera' | 'engine' | 'room' | 'crops' | 'onFrame' | 'onFault'> {
  readonly privacy: Pick<PrivacySwitch, 'on' | 'changes' | 'settled'>;
  readonly notifier: Pick<Notifier, 'frameProcessed' | 'noFrameDue'>;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** End when a recording is over; otherwise stay, and see nothing. */
  readonly untilEnd: boolean;
  onOver(): void;
}

/** How soon the switch is noticed, milliseconds. Asked, not awaited: days of pause leave no listeners behind. */
const switchCheckMs = 200;

/** Runs until `signal`, or with `untilEnd` until the recording is over. */
export async function watchRoom(parts: WatchParts): Promise<void> {
  const { camera, room, privacy, notifier, signal, log, untilEnd } = parts;
  const stopCamera = (): void => void camera.stop();
  signal.addEventListener('abort', stopCamera);
  for (let over = false; !signal.aborted; ) {
    if (!privacy.on || over) {
      room.blind();
      notifier.noFrameDue(privacy.on ? 'offline' : 'paused');
      await wait(switchCheckMs);
      over &&= privacy.on;
      continue;
    }
    const round = privacy.changes;
    await privacy.settled();
    camera.start();
    await pipeline({
      ...parts,
      onFrame(analysis, tookMs) {
        notifier.frameProcessed();
        parts.onFrame(analysis, tookMs);
      },
      onBlind() {
        room.blind();
        notifier.noFrameDue('offline');
      },
      onFault(error) {
        log('warning', error.message);
        parts.onFault(error);
      },
    });
    // Switched off and on again while one frame was analysed: the camera was stopped, and is not over.
    over = privacy.changes === round && !signal.aborted;
    if (over && untilEnd) break;
    if (!over) continue;
    parts.onOver();
    log('notice', 'the recording is over: the daemon stays, and sees nothing');
  }
  signal.removeEventListener('abort', stopCamera);
}
