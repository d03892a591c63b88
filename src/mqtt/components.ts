// The entities of a room as a table. Each rule was verified with Home Assistant 2024.12 to 2026.11:
// - Only Occupancy has the class `occupancy`. Otherwise "Ada left" would mean "the kitchen is empty" to area triggers.
// - Unknown is the payload `None`, so a room without a working camera does not count as empty.
// - Both `def_ent_id` and `obj_id` are sent, so that entity ids are the same in every version.
// - Unique ids hold the ids of room and person, never their names. So a renamed entity keeps its history and automations.
import type { PersonId } from '../gallery/person.js';
import { isEntityName } from '../gallery/person-id.js';
import { leaveAfterSeconds } from './commands.js';
import { deviceId, type RoomTopics } from './topics.js';

export interface DiscoveredPerson {
  readonly id: PersonId;
  readonly name: string;
}

export interface DiscoveredRoom {
  readonly id: string;
  readonly topics: RoomTopics;
  readonly people: readonly DiscoveredPerson[];
  /** Names that these people had before and that the Person sensor may still show. */
  readonly formerNames: readonly string[];
  /** Entities with the faces of the last arrivals as pictures: only where the user turned snapshots on. */
  readonly snapshots: boolean;
  /** An entity with the answers to corrections: only where they are accepted over MQTT. */
  readonly corrections: boolean;
  /** How often `health` is published, milliseconds. */
  readonly healthMs: number;
  /** What this machine can tell and do: entities of what is missing are not announced. */
  readonly machine: Machine;
}

/** What the machine of a room can tell and do. */
export interface Machine {
  /** It has a temperature sensor. */
  readonly temperature: boolean;
  /** Its firmware tells whether it is throttled (a Raspberry Pi). */
  readonly throttling: boolean;
}

/** A component in Home Assistant's abbreviated form; `p` is its platform. */
export type Component = Readonly<Record<string, unknown>> & { readonly p: string };

/** All components of a room by key. The keys are stable: a component that left the table is removed by its key. */
export function roomComponents(room: DiscoveredRoom): Readonly<Record<string, Component>> {
  const { topics, people } = room;
  const statusOnly = { avty: [{ t: topics.status }] };
  const entity = (key: string, p: string, name: string, rest: Readonly<Record<string, unknown>>): Component => {
    const objectId = `${room.id}_presence_${slug(key)}`.replaceAll('-', '_');
    return {
      p,
      name,
      uniq_id: `${deviceId(room.id)}_${key}`,
      def_ent_id: `${p}.${objectId}`,
      obj_id: objectId,
      ...rest,
    };
  };
  const fromHealth = {
    ent_cat: 'diagnostic',
    stat_t: topics.health,
    exp_aft: Math.max(120, Math.ceil((4 * room.healthMs) / 1000)), // four reports missed, two minutes at least
    ...statusOnly,
  };
  const measurement = (key: string, name: string, rest: Readonly<Record<string, unknown>>): Component =>
    entity(key, 'sensor', name, { stat_cla: 'measurement', ...fromHealth, ...rest });
  /** `isProblem` and `details` are Jinja expressions over the health message. */
  const problem = (key: string, name: string, isProblem: string, details?: string): Component =>
    entity(key, 'binary_sensor', name, {
      dev_cla: 'problem',
      ...fromHealth,
      val_tpl: `{{ 'ON' if ${isProblem} else 'OFF' }}`,
      ...(details === undefined ? {} : { json_attr_t: topics.health, json_attr_tpl: `{{ ${details} | tojson }}` }),
    });
  const components: Record<string, Component> = {
    occupancy: entity('occupancy', 'binary_sensor', 'Occupancy', {
      dev_cla: 'occupancy',
      stat_t: topics.state,
      val_tpl: "{{ {true: 'ON', false: 'OFF'}.get(value_json.occupied, 'None') }}",
    }),
    person: entity('person', 'sensor', 'Person', {
      dev_cla: 'enum',
      ops: [...new Set(['nobody', 'stranger', ...people.map((person) => person.name), ...room.formerNames])],
      stat_t: topics.state,
      // Names are data of the message and never part of a template.
      val_tpl:
        "{{ value_json.people | default([], true) | selectattr('person', 'eq', value_json.person) | map(attribute='name') " +
        '| first | default(value_json.person, true) }}',
      json_attr_t: topics.state,
      json_attr_tpl:
        "{{ {'id': value_json.person, 'people': value_json.people | default([], true) | map(attribute='person') | list, " +
        "'names': value_json.people | default([], true) | map(attribute='name') | list, " +
        "'ambiguous': value_json.ambiguous | default([], true) | map(attribute='people') | list, " +
        "'strangers': value_json.strangers, 'since': value_json.since} | tojson }}",
      ic: 'mdi:account-eye',
    }),
    people: entity('people', 'sensor', 'People', {
      stat_cla: 'measurement',
      stat_t: topics.state,
      val_tpl: '{{ value_json.count }}',
      ic: 'mdi:account-group',
    }),
    presence: entity('presence', 'event', 'Presence', {
      evt_typ: ['arrived', 'left', 'stranger_arrived', 'stranger_left'],
      stat_t: topics.person,
      ic: 'mdi:account-arrow-right',
    }),
    // Without a category: areas and voice assistants reach only such entities, and the privacy switch must be easy to reach.
    recognition: entity('recognition', 'switch', 'Recognition', {
      stat_t: topics.recognition,
      cmd_t: topics.recognitionSet,
      ic: 'mdi:eye',
      ...statusOnly,
    }),
    leave_after: entity('leave_after', 'number', 'Leave after', {
      ent_cat: 'config',
      dev_cla: 'duration',
      unit_of_meas: 's',
      min: leaveAfterSeconds.least,
      max: leaveAfterSeconds.most,
      mode: 'box',
      stat_t: topics.leaveAfter,
      cmd_t: topics.leaveAfterSet,
      ...statusOnly,
    }),
    camera: entity('camera', 'binary_sensor', 'Camera', {
      ent_cat: 'diagnostic',
      dev_cla: 'problem',
      stat_t: topics.camera,
      pl_on: 'offline',
      pl_off: 'online',
      ...statusOnly,
    }),
    problem: problem('problem', 'Problem', 'value_json.problems', "{'problems': value_json.problems}"),
    static_faces: problem(
      'static_faces',
      'Face on a wall',
      'value_json.fixed_faces > 0',
      "{'faces': value_json.fixed_faces}",
    ),
    needs_photos: problem(
      'needs_photos',
      'Photos needed',
      'value_json.needs_photos',
      "{'people': value_json.needs_photos}",
    ),
    inference_time: measurement('inference_time', 'Inference time', {
      en: false,
      dev_cla: 'duration',
      unit_of_meas: 'ms',
      val_tpl: '{{ value_json.inference_ms }}',
    }),
    frame_rate: measurement('frame_rate', 'Frame rate', {
      en: false,
      unit_of_meas: 'fps',
      val_tpl: '{{ value_json.fps }}',
    }),
    restart: entity('restart', 'button', 'Restart', {
      ent_cat: 'config',
      dev_cla: 'restart',
      cmd_t: topics.restartSet,
      ...statusOnly,
    }),
    stranger_arrived: trigger(topics, 'arrived', null),
    stranger_left: trigger(topics, 'left', null),
  };
  if (room.machine.temperature)
    components['temperature'] = measurement('temperature', 'Temperature', {
      dev_cla: 'temperature',
      unit_of_meas: '°C',
      val_tpl: '{{ value_json.temperature }}',
    });
  if (room.machine.throttling) {
    components['under_voltage'] = problem('under_voltage', 'Under-voltage', 'value_json.under_voltage');
    components['throttled'] = problem('throttled', 'Throttled', 'value_json.throttled');
  }
  if (room.snapshots) {
    const picture = (key: string, name: string, topic: string): Component =>
      entity(key, 'image', name, { img_t: topic, cont_type: 'image/jpeg', qos: 0 });
    components['last_arrival'] = picture('last_arrival', 'Last arrival', topics.arrivalSnapshot);
    components['last_stranger'] = picture('last_stranger', 'Last stranger', topics.strangerSnapshot);
  }
  if (room.corrections)
    components['correction'] = entity('correction', 'event', 'Correction', {
      ent_cat: 'diagnostic',
      evt_typ: ['done', 'refused'],
      stat_t: topics.correction,
      ic: 'mdi:account-edit',
      ...statusOnly,
    });
  for (const { id, name } of people) {
    // `id` is [a-z0-9_-], so it cannot end the quotes of a template.
    const isPresent = `'${id}' in value_json.people | map(attribute='person') | list`;
    components[`person_${id}`] = entity(`person_${id}`, 'binary_sensor', name, {
      stat_t: topics.state,
      val_tpl: `{{ 'None' if value_json.people is none else 'ON' if ${isPresent} else 'OFF' }}`,
      ic: 'mdi:account',
    });
    components[`arrived_${id}`] = trigger(topics, 'arrived', { id, name });
    components[`left_${id}`] = trigger(topics, 'left', { id, name });
  }
  return components;
}

/** "Ada arrived" for the automation editor. `person` null: an unknown person. */
function trigger(topics: RoomTopics, change: 'arrived' | 'left', person: DiscoveredPerson | null): Component {
  return {
    p: 'device_automation',
    atype: 'trigger',
    t: topics.person,
    type: change,
    stype: person?.name ?? 'stranger',
    pl: person === null ? `stranger_${change}` : `${change} ${person.id}`,
    val_tpl: person === null ? '{{ value_json.event_type }}' : '{{ value_json.event_type }} {{ value_json.person }}',
  };
}

/** The key's part of an entity id: `person_ada` becomes `ada`. A person with the id `camera` (from an old gallery) stays `person_camera`. */
function slug(key: string): string {
  if (isEntityName(key.replace(/^person_/, ''))) return key;
  return key.replace(/^person_/, '');
}
