// The engine of the running daemon, for a verb that reads photos: a second engine would take the memory of the models once more. Frames of
// the camera have precedence there.
import { setTimeout as wait } from 'node:timers/promises';
import { fail, RoomkinError } from '../base/errors.js';
import type { AnalyzeOptions, Engine, EngineInfo } from '../engine/engine.js';
import type { Frame } from '../vision/picture.js';
import { anotherVersion, askDaemon, errorIn, isDisconnection, linesOf, parseAnswer, send } from './client.js';
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
  const silence = new AbortController();
  let timer = setTimeout(() => silence.abort(), silentMs);
  try {
    const response = await send(place, line, AbortSignal.any([signal, silence.signal]));
    for await (const text of linesOf(response)) {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silentMs);
      const message = parseAnswer(text) as { type?: unknown; text?: unknown; result?: unknown };
      if (message.type === 'progress') onStep?.(String(message.text));
      else if (message.type === 'error') throw errorIn(message);
      else if (message.type === 'result') {
        const { success, data, error } = photoAnswer.safeParse(message.result);
        if (!success) throw anotherVersion(error);
        return data;
      }
    }
    throw fail('DAEMON_NOT_RUNNING', 'the daemon has stopped');
  } catch (error) {
    signal.throwIfAborted();
    if (!silence.signal.aborted && !isDisconnection(error)) throw error;
    const why = silence.signal.aborted ? `nothing came within ${silentMs / 1000} s` : 'it closed the connection';
    throw fail('DAEMON_NOT_RUNNING', `the daemon did not answer: ${why} (journalctl -u roomkin says more)`, error);
  } finally {
    clearTimeout(timer);
  }
}
