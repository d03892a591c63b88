// The gallery, the embedding space and the daemon that the configuration names, for the verbs.
import type { Config } from '../config/load.js';
import { type SocketPath, socketPath } from '../control/path.js';
import { chooseEmbedder, readManifest } from '../engine/manifest.js';
import { openStore } from '../store/gallery-store.js';
import type { Store } from '../store/store.js';
import type { CommandIo } from './command.js';

/** The gallery of the configuration. Errors: CONFIG_*, DATABASE, KEY_FILE. */
export function openGallery(io: CommandIo): Store {
  return openStore({ ...io.config().store, onDamage: (sentence) => io.log('warning', sentence) });
}

/** The embedding space of the configured embedder, without starting it. Errors: MODEL_MISSING, MODEL_HASH. */
export function configuredSpace(io: CommandIo): string {
  return chooseEmbedder(readManifest(), io.config().embedder.id).space;
}

/** The control socket of the configured room. */
export function daemonSocket(config: Config): SocketPath {
  return socketPath({
    room: config.room.id,
    storeDirectory: config.store.directory,
    configured: config.service.controlSocket,
  });
}
