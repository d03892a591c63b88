// Whether the broker accepts a connection: a real one, with a separate client id, so that a running daemon stays connected.
import { connect } from 'mqtt';
import type { Config } from '../../config/load.js';
import { explainFault, isLoginRefusal, weakerWill } from '../../mqtt/connection.js';
import { type BrokerLimits, limitSentences, limitsOf, noLimits } from '../../mqtt/limits.js';
import {
  type BrokerOptions,
  brokerName,
  checkBrokerOptions,
  clientOptions,
  type Identity,
  type ProtocolVersion,
} from '../../mqtt/options.js';
import { roomTopics } from '../../mqtt/topics.js';
import { type Finding, failed, fault, ok, warn } from './finding.js';

type Will = Identity['will'];

const timeoutMs = 8000;

/**
 * Connects with the settings of [mqtt] and the daemon's will, with MQTT 3.1.1 if the broker does not support 5. Publishes nothing.
 * `daemon`: whether the room's daemon is connected to the broker now.
 */
export async function checkBroker(config: Config, isDaemonConnected: boolean): Promise<Finding> {
  return (await tryBroker(config, isDaemonConnected)).finding;
}

/** As `checkBroker`. `wantsLogin`: the broker answers, and refuses this user and password, or none. */
export async function tryBroker(
  { mqtt, room }: Pick<Config, 'mqtt' | 'room'>,
  isDaemonConnected: boolean,
): Promise<{ readonly finding: Finding; readonly wantsLogin: boolean }> {
  try {
    checkBrokerOptions(mqtt);
  } catch (error) {
    return { finding: fault('broker', error), wantsLogin: false };
  }
  const name = brokerName(mqtt);
  // A check that is interrupted leaves the will, so the will says what is true.
  const will = { topic: roomTopics(mqtt.base, room.id).status, payload: isDaemonConnected ? 'online' : 'offline' };
  let attempt = await tryVersion(mqtt, mqtt.protocol, will);
  const fellBack = attempt.refusal?.unsupportedVersion === true && mqtt.protocol === 5;
  if (fellBack) attempt = await tryVersion(mqtt, 4, will);
  const { refusal, limits } = attempt;
  if (refusal !== null) {
    const finding = failed('broker', `${name} does not accept the connection`, refusal.text);
    return { finding, wantsLogin: isLoginRefusal(refusal) };
  }
  const open = mqtt.username === null && mqtt.certFile === null;
  const version = fellBack || mqtt.protocol === 4 ? '3.1.1' : '5';
  const found = `${name} accepts MQTT ${version}${open ? ', without a password' : ''}`;
  const sentences = limitSentences(limits);
  if (sentences.length > 0) return { finding: warn('broker', found, sentences.join('; ')), wantsLogin: false };
  const exposed = open && !['localhost', '127.0.0.1', '[::1]'].includes(new URL(mqtt.url).hostname);
  const advice = 'anyone in the network can read who is where: add users to the broker';
  return { finding: exposed ? warn('broker', found, advice) : ok('broker', found), wantsLogin: false };
}

interface Attempt {
  /** null: the broker accepted the connection. */
  readonly refusal: ReturnType<typeof explainFault> | null;
  readonly limits: BrokerLimits;
}

/** As the daemon, with a weaker will where the broker refuses the full one. */
async function tryVersion(broker: BrokerOptions, version: ProtocolVersion, will: Will): Promise<Attempt> {
  const attempt = await tryOnce(broker, version, will);
  const weaker = weakerWill(will, attempt.refusal?.code ?? null);
  return weaker === null ? attempt : tryVersion(broker, version, weaker);
}

function tryOnce(broker: BrokerOptions, version: ProtocolVersion, will: Will): Promise<Attempt> {
  return new Promise((resolve) => {
    const clientId = `roomkin-check-${process.pid}`;
    const { properties: _, ...options } = clientOptions(broker, version, { clientId, will, willDelaySeconds: 0 });
    // Without a session the connection leaves nothing behind on the broker.
    const client = connect(broker.url, { ...options, clean: true, reconnectPeriod: 0, connectTimeout: timeoutMs });
    const silent = { text: 'no answer', code: null, unsupportedVersion: false };
    const timer = setTimeout(() => finish({ refusal: silent, limits: noLimits }), timeoutMs);
    let finished = false;
    const finish = (result: Attempt): void => {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      // Not forced: only a proper end keeps the broker from publishing the will.
      const isConnected = result.refusal === null;
      client.end(!isConnected, () => resolve(result));
    };
    client.once('connect', (connack) =>
      finish({ refusal: null, limits: version === 5 ? limitsOf(connack) : noLimits }),
    );
    // `on`, not `once`: a late error of a closing socket would otherwise have no listener.
    client.on('error', (error) => finish({ refusal: explainFault(error), limits: noLimits }));
    client.once('close', () => finish({ refusal: explainFault(null), limits: noLimits }));
  });
}
