// The engine for the photos of a verb: that of the running daemon, because a second one takes the memory of the models once more, which a
// small board does not have. Without a daemon the verb starts its own.
import { fail, RoomkinError } from '../base/errors.js';
import { AnotherVersionError } from '../control/client.js';
import { createDaemonEngine } from '../control/daemon-engine.js';
import type { Engine, EngineInfo } from '../engine/engine.js';
import { chooseEmbedder, readManifest } from '../engine/manifest.js';
import type { CommandIo } from './command.js';
import { daemonSocket } from './parts.js';

/**
 * Not started yet. It changes to an engine of its own where the daemon stops in the middle. Errors of `start`: CONFIG_*, MODEL_*,
 * ENGINE_FAILED.
 */
export function openPhotoEngine(io: CommandIo): Engine {
  const config = io.config();
  const shared = createDaemonEngine(daemonSocket(config), io.signal, () => io.progress('waiting for another photo...'));
  let own: Engine | null = null;
  let info: EngineInfo | null = null;

  const startOwn = async (): Promise<EngineInfo> => {
    io.progress('loading the models...');
    own = await io.openEngine(config);
    return own.start();
  };
  const start = async (): Promise<EngineInfo> => {
    try {
      info = await shared.start();
    } catch (error) {
      if (!isWithoutDaemon(error)) throw error;
      if (error instanceof AnotherVersionError)
        io.log(
          'notice',
          'the running daemon has another version and reads no photos: this command loads the models itself',
        );
      info = await startOwn();
      return info;
    }
    const wanted = chooseEmbedder(readManifest(), config.embedder.id);
    if (info.embedder === wanted.id) return info;
    io.log(
      'notice',
      `the daemon still runs the model ${info.embedder}, not ${wanted.id}: restart it; this command loads ${wanted.id} itself`,
    );
    info = await startOwn();
    return info;
  };
  const analyze: Engine['analyze'] = async (frame, request, onStep) => {
    if (own !== null) return own.analyze(frame, request, onStep);
    try {
      return await shared.analyze(frame, request, onStep).catch((error: unknown) => {
        // The daemon has replaced the process of the models: the photo is given to the new one, once.
        if (!(error instanceof RoomkinError) || error.code !== 'ENGINE_FAILED') throw error;
        return shared.analyze(frame, request, onStep);
      });
    } catch (error) {
      if (!isWithoutDaemon(error)) throw error;
      io.log('notice', 'the daemon does not answer any more: this command loads the models itself');
      const { space } = await startOwn();
      if (space !== info?.space)
        throw fail(
          'ENGINE_FAILED',
          `the daemon stopped, and its model made other embeddings (${info?.space}): try again`,
        );
      return analyze(frame, request, onStep);
    }
  };
  const stop = async (): Promise<void> => own?.stop();
  return {
    start,
    analyze,
    get fault() {
      return own?.fault ?? null;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function isWithoutDaemon(error: unknown): error is RoomkinError {
  return error instanceof RoomkinError && error.code === 'DAEMON_NOT_RUNNING';
}
