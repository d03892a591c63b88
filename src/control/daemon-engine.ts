// The engine of the running daemon, for a verb that reads photos: a second engine would take the memory of the models once more. Frames of
// the camera have precedence there.
import { setTimeout as wait } from 'node:timers/promises';
import { fail, RoomkinError } from '../base/errors.js';
import type { AnalyzeOptions, Engine, EngineInfo } from '../engine/engine.js';
import type { Frame } from '../vision/picture.js';
import { AnotherVersionError, askDaemon, resultOf } from './client.js';
import type { SocketPath } from './path.js';
import { photoAnswer, photoLine, sentFace } from './photo.js';

/** The daemon reports each step of an analysis. A slow board takes seconds for one, and for the frame before it. */
const silentMs = 60_000;
/** The daemon takes one photo at a time. Time between two attempts, milliseconds. */
const busyMs = 250;

/**
 * `start` gives what the daemon's models are. Errors: DAEMON_NOT_RUNNING (none answers, or one of another version), ENGINE_FAILED, and an
 * AbortError when `signal` aborts. `onBusy` is called while the daemon analyses the photo of somebody else.
 */
export function createDaemonEngine(place: SocketPath, signal: AbortSignal, onBusy: () => void): Engine {
  const analyze = async (frame: Frame, { search, embed = true, mirror = true }: AnalyzeOptions, onStep?: Step) => {
    if (frame.format !== 'rgb' || frame.stride !== 3 * frame.width || search === 'auto')
      throw new TypeError('only photos are analysed by the daemon');
    const line = photoLine(frame, { search, embed, mirror });
    for (;;) {
      try {
        const { faces, times } = await photoOf(place, line, signal, onStep);
        const { capturedAt, sequence, width, height } = frame;
        return { capturedAt, sequence, width, height, faces: faces.map(sentFace), times };
      } catch (error) {
        if (!(error instanceof RoomkinError) || error.code !== 'DAEMON_BUSY') throw error;
        onBusy();
        await wait(busyMs, undefined, { signal });
      }
    }
  };
  const stop = async (): Promise<void> => {};
  return {
    start: () => askDaemon<EngineInfo>(place, { verb: 'engine' }, undefined, signal),
    analyze,
    fault: null,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

type Step = (step: string) => void;

async function photoOf(place: SocketPath, line: ReturnType<typeof photoLine>, signal: AbortSignal, onStep?: Step) {
  const answer = await resultOf(place, line, { signal, silentMs, onProgress: (text) => onStep?.(text) });
  if (answer === null) throw fail('DAEMON_NOT_RUNNING', 'the daemon has stopped');
  const { success, data, error } = photoAnswer.safeParse(answer.result);
  if (!success) throw new AnotherVersionError(error);
  return data;
}
