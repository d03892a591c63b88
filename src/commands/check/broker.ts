// Whether the broker accepts a connection: a real one, with a separate client id, so that a running daemon stays connected.
import { connect, type MqttClient } from 'mqtt';
import type { Config } from '../../config/load.js';
import { explainFault, isLoginRefusal, weakerWill } from '../../mqtt/connection.js';
import { type BrokerLimits, limitSentences, limitsOf, noLimits } from '../../mqtt/limits.js';
import {
  addressOf,
  type BrokerOptions,
  brokerName,
  checkBrokerOptions,
  clientOptions,
  type Identity,
  type ProtocolVersion,
} from '../../mqtt/options.js';
import { roomTopics } from '../../mqtt/topics.js';
import { type Finding, failed, fault, ok, warn } from './finding.js';
import { type MissingRights, missingRights } from './rights.js';

type Will = Identity['will'];

const timeoutMs = 8000;

type BrokerConfig = Pick<Config, 'mqtt' | 'room' | 'homeAssistant' | 'household'>;

/**
 * Connects with the settings of [mqtt] and the daemon's will, with MQTT 3.1.1 if the broker does not support 5, and tries what the
 * room must be allowed to do. `isDaemonConnected`: whether the room's daemon is connected to the broker now.
 */
export async function checkBroker(config: BrokerConfig, isDaemonConnected: boolean): Promise<Finding> {
  return (await tryBroker(config, isDaemonConnected)).finding;
}

/** As `checkBroker`. `wantsLogin`: the broker answers, and refuses this user and password, or none. */
export async function tryBroker(
  config: BrokerConfig,
  isDaemonConnected: boolean,
): Promise<{ readonly finding: Finding; readonly wantsLogin: boolean }> {
  const { mqtt, room } = config;
  try {
    checkBrokerOptions(mqtt);
  } catch (error) {
    return { finding: fault('broker', error), wantsLogin: false };
  }
  const name = brokerName(mqtt);
  // A check that is interrupted leaves the will, so the will says what is true.
  const will = { topic: roomTopics(mqtt.base, room.id).status, payload: isDaemonConnected ? 'online' : 'offline' };
  const probe: Probe = (client, version, limits) => missingRights(client, version, limits, config, isDaemonConnected);
  let attempt = await tryVersion(mqtt, mqtt.protocol, will, probe);
  const fellBack = attempt.refusal?.unsupportedVersion === true && mqtt.protocol === 5;
  if (fellBack) attempt = await tryVersion(mqtt, 4, will, probe);
  const { refusal, limits, missing } = attempt;
  if (refusal !== null) {
    const finding = failed('broker', `${name} does not accept the connection`, refusal.text);
    return { finding, wantsLogin: isLoginRefusal(refusal) };
  }
  const faults = [
    ...(missing.publish.length > 0 ? [`may not publish to ${missing.publish.join(', ')}`] : []),
    ...(missing.read.length > 0 ? [`may not read ${missing.read.join(', ')}`] : []),
  ];
  if (faults.length > 0) {
    const user = mqtt.username === null ? 'this room' : `the user ${mqtt.username}`;
    return { finding: failed('broker', `${name}: ${user} ${faults.join(' and ')}`, aclAdvice), wantsLogin: false };
  }
  const open = mqtt.username === null && mqtt.certFile === null;
  const version = fellBack || mqtt.protocol === 4 ? '3.1.1' : '5';
  const found = `${name} accepts MQTT ${version}${open ? ', without a password' : ''}`;
  const sentences = [
    ...limitSentences(limits),
    ...(missing.readOfOthers.length > 0 ? [`may not read ${missing.readOfOthers.join(', ')}: ${aclAdvice}`] : []),
  ];
  if (sentences.length > 0) return { finding: warn('broker', found, sentences.join('; ')), wantsLogin: false };
  const exposed = open && !['localhost', '127.0.0.1', '::1'].includes(addressOf(mqtt).host);
  const advice = 'anyone in the network can read who is where: add users to the broker';
  return { finding: exposed ? warn('broker', found, advice) : ok('broker', found), wantsLogin: false };
}

const aclAdvice = 'check the ACL of the broker: deploy/mosquitto/acl shows what a room needs';

type Probe = (client: MqttClient, version: ProtocolVersion, limits: BrokerLimits) => Promise<MissingRights>;

interface Attempt {
  /** null: the broker accepted the connection. */
  readonly refusal: ReturnType<typeof explainFault> | null;
  readonly limits: BrokerLimits;
  readonly missing: MissingRights;
}

const nothingMissing: MissingRights = { publish: [], read: [], readOfOthers: [] };

/** As the daemon, with a weaker will where the broker refuses the full one. */
async function tryVersion(broker: BrokerOptions, version: ProtocolVersion, will: Will, probe: Probe): Promise<Attempt> {
  const attempt = await tryOnce(broker, version, will, probe);
  const weaker = weakerWill(will, attempt.refusal?.code ?? null);
  return weaker === null ? attempt : tryVersion(broker, version, weaker, probe);
}

function tryOnce(broker: BrokerOptions, version: ProtocolVersion, will: Will, probe: Probe): Promise<Attempt> {
  return new Promise((resolve) => {
    const clientId = `roomkin-check-${process.pid}`;
    const { properties: _, ...options } = clientOptions(broker, version, { clientId, will, willDelaySeconds: 0 });
    // Without a session the connection leaves nothing behind on the broker.
    const client = connect({ ...options, clean: true, reconnectPeriod: 0, connectTimeout: timeoutMs });
    const silent = { text: 'no answer', code: null, unsupportedVersion: false };
    const timer = setTimeout(() => refuse(silent), timeoutMs);
    let finished = false;
    const refuse = (refusal: Attempt['refusal']): void =>
      finish({ refusal, limits: noLimits, missing: nothingMissing });
    const finish = (result: Attempt): void => {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      // Not forced: only a proper end keeps the broker from publishing the will.
      const isConnected = result.refusal === null;
      client.end(!isConnected, () => resolve(result));
    };
    client.once('connect', (connack) => {
      const limits = version === 5 ? limitsOf(connack) : noLimits;
      probe(client, version, limits).then(
        (missing) => finish({ refusal: null, limits, missing }),
        (error: unknown) => refuse(explainFault(error)),
      );
    });
    // `on`, not `once`: a late error of a closing socket would otherwise have no listener.
    client.on('error', (error) => refuse(explainFault(error)));
    client.once('close', () => refuse(explainFault(null)));
  });
}
