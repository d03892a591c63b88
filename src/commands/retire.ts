// roomkin retire: deletes what the broker retains of this room, so that no device without a daemon stays in Home Assistant.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../base/errors.js';
import type { Config } from '../config/load.js';
import { askDaemon } from '../control/client.js';
import type { DaemonStatus } from '../control/protocol.js';
import { settingName } from '../daemon/room-state.js';
import { createMqttConnection } from '../mqtt/connection.js';
import { announcedTopics } from '../mqtt/discovery.js';
import { brokerName } from '../mqtt/options.js';
import {
  discoveryTopic,
  householdDiscoveryTopic,
  householdTopics,
  retainedTopics,
  roomTopics,
} from '../mqtt/topics.js';
import { databaseName } from '../store/database.js';
import type { CommandIo } from './command.js';
import { daemonSocket, openGallery } from './parts.js';
import { count } from './rows.js';

/** How long the broker may take to accept the connection, milliseconds. */
const connectWithinMs = 15_000;
/** The broker's retained messages come within this time after the connect, milliseconds. */
const retainedWithinMs = 1_000;

export async function run(_: object, io: CommandIo): Promise<void> {
  const config = io.room();
  if (await isDaemonRunning(config)) {
    const advice = 'stop it first (sudo systemctl stop roomkin), or it announces the room again';
    throw fail('DAEMON_RUNNING', `the daemon of room ${config.room.id} runs: ${advice}`);
  }
  const topics = topicsOf(config, io);
  const deleted = await deleteRetained(config, topics, io);
  forgetAnnounced(config, io);
  io.out(`Room ${config.room.id} is off the broker ${brokerName(config.mqtt)}; Home Assistant removes its device.`);
  io.document({ room: config.room.id, broker: brokerName(config.mqtt), deleted });
}

async function isDaemonRunning(config: Config): Promise<boolean> {
  try {
    await askDaemon<DaemonStatus>(daemonSocket(config), { verb: 'status' }, 3000);
    return true;
  } catch {
    return false;
  }
}

/** Of this configuration, and of earlier ones whose device could not be removed yet. Discovery comes first. */
function topicsOf(config: Config, io: CommandIo): readonly string[] {
  const { room, mqtt, homeAssistant, household } = config;
  const { description } = householdTopics(household.id, room.id);
  const ofRoom = retainedTopics(roomTopics(mqtt.base, room.id));
  const present = [discoveryTopic(homeAssistant.prefix, room.id), ...ofRoom, description];
  return [...new Set([...present, ...announcedTopics(readAnnounced(config, io))])];
}

const hasGallery = (config: Config): boolean => existsSync(join(config.store.directory, databaseName));

function readAnnounced(config: Config, io: CommandIo): string | null {
  if (!hasGallery(config)) return null;
  try {
    using store = openGallery(io);
    return store.setting(settingName(config, 'announced'));
  } catch (error) {
    io.log('warning', `what an earlier configuration has announced is not known: ${(error as Error).message}`);
    return null;
  }
}

function forgetAnnounced(config: Config, io: CommandIo): void {
  if (!hasGallery(config)) return;
  try {
    using store = openGallery(io);
    store.setSetting(settingName(config, 'announced'), '[]');
  } catch {
    // It was not readable before either, and says only what to delete once more.
  }
}

/** The messages of the household that no other room would keep true: all of them, where this is the last room. */
function householdLeftovers({ room, household }: Config, retained: ReadonlySet<string>): readonly string[] {
  const { description, descriptions } = householdTopics(household.id, room.id);
  const ofRooms = descriptions.slice(0, -1);
  const others = [...retained].filter((topic) => topic !== description);
  return others.some((topic) => topic.startsWith(ofRooms)) ? [] : others;
}

const deviceOfHousehold = ({ household, homeAssistant }: Config): string =>
  householdDiscoveryTopic(homeAssistant.prefix, household.id);

/** Returns the number of deleted messages. Errors: BROKER, CONFIG_INVALID, KEY_FILE. */
async function deleteRetained(config: Config, roomTopicsToDelete: readonly string[], io: CommandIo): Promise<number> {
  const { status } = roomTopics(config.mqtt.base, config.room.id);
  const household = householdTopics(config.household.id, config.room.id);
  const retained = new Set<string>();
  let onConnect = (): void => {};
  const connected = new Promise<void>((resolve) => {
    onConnect = resolve;
  });
  const connection = createMqttConnection(
    {
      broker: config.mqtt,
      clientId: `roomkin-retire-${process.pid}`,
      // A will is required. This one deletes, too.
      will: { topic: status, payload: '' },
      willDelaySeconds: 0,
      subscriptions: [household.descriptions, `${household.places}/+`, household.summary, deviceOfHousehold(config)],
      onConnect: () => onConnect(),
      onMessage(topic, payload) {
        if (payload.length > 0) retained.add(topic);
      },
    },
    () => {},
  );
  connection.start();
  try {
    io.progress(`waiting for the broker ${brokerName(config.mqtt)}...`);
    const late = sleep(connectWithinMs, 'late', { ref: false, signal: io.signal });
    const name = brokerName(config.mqtt);
    if ((await Promise.race([connected, late])) === 'late') {
      const why = connection.status().fault ?? 'no answer';
      throw fail('BROKER', `${name}: ${why}. Its messages of this room stay; try again when it runs`);
    }
    await sleep(retainedWithinMs, undefined, { signal: io.signal });
    const topics = [...roomTopicsToDelete, ...householdLeftovers(config, retained)];
    const results = await Promise.all(topics.map((topic) => connection.deliver(topic, '')));
    const refused = topics.filter((_topic, index) => !results[index]);
    if (refused.length > 0) {
      const which = `${count(refused.length, 'message')} (${refused.join(', ')})`;
      throw fail('BROKER', `${name} did not delete ${which}: let this user write there (the ACL of the broker)`);
    }
    return topics.length;
  } finally {
    io.progress('');
    await connection.stop([]);
  }
}
