// A folder of pictures as a camera, in natural order (2.jpg before 10.jpg), each scaled to fit, with black borders. It plays at
// its frame rate, as a camera does, or waits for its reader (`lossless`), so that the same folder gives the same frames on
// any machine.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../base/clock.js';
import { oneLine } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { createMailbox } from '../base/mailbox.js';
import { createBackoff } from '../base/retry.js';
import type { Camera, Frame } from './camera.js';
import { decodePicture } from './decode.js';
import type { CameraOptions } from './options.js';
import { naturalOrder } from './photo-files.js';
import { createCameraReport } from './report.js';
import { turned } from './turn.js';

const pictureName = /\.(jpe?g|png|webp|tiff?|gif|avif)$/i;

export function createReplayCamera(options: CameraOptions, clock: Clock, log: Log): Camera {
  const report = createCameraReport(log);
  const periodMs = 1000 / options.framerate;
  let mailbox = createMailbox<Frame>();
  mailbox.end();
  let stopping: AbortController | null = null;
  let running: Promise<void> = Promise.resolve();
  /** Called when the reader asks for a frame. Only a lossless replay waits for it. */
  let request = (): void => {};
  let requested: Promise<void> = Promise.resolve();
  const awaitReader = (): void => {
    requested = new Promise((resolve) => {
      request = resolve;
    });
  };

  async function play(signal: AbortSignal): Promise<void> {
    const startedAt = clock.monotonicMs();
    let shown = 0;
    const reopening = createBackoff({ firstMs: options.timings.reopenMs, mostMs: options.timings.reopenMostMs });
    while (!signal.aborted) {
      const shownBefore = shown;
      const files = await pictures(options.input ?? '').catch(
        (error: NodeJS.ErrnoException) => error.code ?? 'unreadable',
      );
      for (const file of Array.isArray(files) ? files : []) {
        const picture = await decodePicture(file, options).catch((error: Error) => {
          log('warning', `camera: ${file} is skipped: ${oneLine(error.message, 200)}`);
          return null;
        });
        if (!picture) continue;
        const dueAt = startedAt + shown * periodMs;
        if (options.lossless) await requested;
        // A lossless replay keeps the timeline of its frame rate: it is never faster, and falls behind on a slow machine.
        await delay(Math.max(0, dueAt - clock.monotonicMs()), undefined, { signal }).catch(() => {});
        if (signal.aborted) return;
        if (options.lossless) awaitReader();
        shown++;
        const capturedAt = options.lossless ? dueAt : clock.monotonicMs();
        const { width, height } = options;
        const sequence = report.frame(0);
        const frame = { capturedAt, sequence, width, height, format: 'rgb', stride: 3 * width, data: picture } as const;
        mailbox.put(turned(frame, options.rotation));
        report.drops(mailbox.drops);
        report.online();
      }
      if (shown === shownBefore) {
        const why = Array.isArray(files)
          ? 'it holds no readable picture'
          : `it cannot be read (${files}): check the path and its permissions`;
        report.failed(`the folder in [camera] input (${oneLine(options.input ?? '', 200)}): ${why}`);
        await delay(reopening.failed(), undefined, { signal }).catch(() => {});
      } else if (!options.loop) {
        mailbox.end();
        return report.ended('the replay is over');
      }
    }
  }

  async function stop(): Promise<void> {
    if (stopping && !stopping.signal.aborted) report.ended('stopped');
    stopping?.abort();
    request();
    mailbox.discard();
    await running;
  }

  return {
    start() {
      if (stopping && !stopping.signal.aborted) return;
      const controller = new AbortController();
      stopping = controller;
      mailbox = createMailbox<Frame>();
      awaitReader();
      report.starting();
      running = running.then(() => play(controller.signal));
    },
    next() {
      request();
      return mailbox.take();
    },
    newer() {
      const frame = mailbox.exchange();
      report.drops(mailbox.drops);
      return frame;
    },
    get status() {
      return report.status;
    },
    onState: report.onState,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function pictures(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => pictureName.test(name));
  return names.sort(naturalOrder).map((name) => join(folder, name));
}
