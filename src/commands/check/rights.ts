// Which rights at the broker a room lacks. A broker of MQTT 3.1.1 drops a message that it refuses without a word, so the check
// publishes to a topic of its own below the room's and waits for the message to come back. It never writes a topic that others read.
// Some brokers (Mosquitto) grant every subscription and then send nothing, so the right to read another's topic may stay unknown.
import { setTimeout as sleep } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import type { Config } from '../../config/load.js';
import type { BrokerLimits } from '../../mqtt/limits.js';
import type { ProtocolVersion } from '../../mqtt/options.js';
import { discoveryTopic, householdTopics, roomTopics } from '../../mqtt/topics.js';

/** How long a message that the broker took may need to come back, milliseconds. */
const echoWithinMs = 2_000;

export interface MissingRights {
  /** Without these rights the room does not work. */
  readonly publish: readonly string[];
  readonly read: readonly string[];
  /** Without the right to read these, rooms do not agree, or Home Assistant's restart is not noticed. */
  readonly readOfOthers: readonly string[];
}

/** `isAnnounced`: the room's daemon is connected, so its discovery message must be at the broker. */
export async function missingRights(
  client: MqttClient,
  version: ProtocolVersion,
  limits: BrokerLimits,
  config: Pick<Config, 'mqtt' | 'room' | 'homeAssistant' | 'household'>,
  isAnnounced: boolean,
): Promise<MissingRights> {
  const { mqtt, room, homeAssistant, household } = config;
  const topics = roomTopics(mqtt.base, room.id);
  const discovery = homeAssistant.discovery ? discoveryTopic(homeAssistant.prefix, room.id) : null;
  const own = [topics.check, topics.recognitionSet, topics.leaveAfterSet, topics.motionSet];
  const others = [
    ...(discovery === null ? [] : [`${homeAssistant.prefix}/status`]),
    ...(limits.wildcards ? [householdTopics(household.id, room.id).rooms] : []),
  ];
  const got = new Set<string>();
  client.on('message', (topic, payload) => void (payload.length > 0 && got.add(topic)));
  const denied = await deniedOf(client, [...own, ...others, ...(discovery === null ? [] : [discovery])], limits.qos);

  const isTaken = await client.publishAsync(topics.check, 'check', { qos: limits.qos }).then(
    () => true,
    () => false, // MQTT 5 says so
  );
  const mayReadEcho = !denied.has(topics.check);
  if (isTaken && mayReadEcho)
    for (let waitedMs = 0; !got.has(topics.check) && waitedMs < echoWithinMs; waitedMs += 50) await sleep(50);
  const isHeard = got.has(topics.check);
  const isUnheard = isTaken && mayReadEcho && !isHeard;
  const isUnannounced = isAnnounced && isHeard && discovery !== null && !denied.has(discovery) && !got.has(discovery);
  return {
    publish: [
      ...(isTaken ? [] : [topics.check]),
      // MQTT 3.1.1 acknowledges what is dropped.
      ...(isUnheard && version === 4 ? [`${topics.check}, or not read it`] : []),
      ...(isUnannounced && limits.retain ? [discovery] : []),
    ],
    read: own.filter((topic) => denied.has(topic) || (isUnheard && version === 5 && topic === topics.check)),
    readOfOthers: others.filter((topic) => denied.has(topic)),
  };
}

/** The topics that the broker does not let this client subscribe to. */
async function deniedOf(client: MqttClient, topics: readonly string[], qos: 0 | 1): Promise<ReadonlySet<string>> {
  // One by one: a refusal hides the answers for the other topics of the same packet.
  const isDenied = await Promise.all(
    topics.map((topic) =>
      client.subscribeAsync(topic, { qos }).then(
        (grants) => grants.some((grant) => grant.qos >= 128),
        () => true,
      ),
    ),
  );
  return new Set(topics.filter((_, index) => isDenied[index]));
}
