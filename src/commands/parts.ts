// How a verb opens what it needs: the gallery and the engine, as the daemon's configuration says.
import { fail, oneLine } from '../base/errors.js';
import type { Config } from '../config/load.js';
import { engineOptions } from '../config/parts.js';
import { type SocketPath, socketPath } from '../control/path.js';
import type { Engine } from '../engine/engine.js';
import { chooseEmbedder, readManifest } from '../engine/manifest.js';
import { createEngine } from '../engine/supervisor.js';
import { openStore } from '../store/gallery-store.js';
import type { Store } from '../store/store.js';
import type { CommandIo } from './command.js';

/** The gallery of the configuration. Errors: CONFIG_*, DATABASE, KEY_FILE. */
export function openGallery(io: CommandIo): Store {
  return openStore({ ...io.config().store, onDamage: (sentence) => io.log('warning', sentence) });
}

/** An engine as the configuration says, not yet started. */
export function configuredEngine(io: CommandIo): Engine {
  return createEngine(engineOptions(io.config(), io.log));
}

/** The embedding space of the configured embedder, without starting it. Errors: MODEL_MISSING, MODEL_HASH. */
export function configuredSpace(io: CommandIo): string {
  return chooseEmbedder(readManifest(), io.config().embedder.id).space;
}

// Where the verbs that talk to the daemon find it, and the check that they were given no arguments they do not know.

/** The control socket of the configured room. */
export function daemonPlace(config: Config): SocketPath {
  return socketPath({
    room: config.room.id,
    storeDirectory: config.store.directory,
    configured: config.service.controlSocket,
  });
}

/** Throws USAGE if a verb without arguments was given some. */
export function refuseArguments(argv: readonly string[], usage: string): void {
  if (argv.length > 0) throw fail('USAGE', `${oneLine(argv[0]!, 40)} is not expected here: roomkin ${usage}`);
}
