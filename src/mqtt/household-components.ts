// The entities of the household's device as a table: where each person is, how many are at home, and who moved.
import type { PersonId } from '../gallery/person.js';
import type { Component, DiscoveredPerson } from './components.js';
import { type HouseholdTopics, homepage } from './topics.js';

export interface DiscoveredHousehold {
  readonly id: string;
  readonly topics: HouseholdTopics;
  readonly people: readonly DiscoveredPerson[];
  /** Names of the rooms, and names that a sensor may still show: Home Assistant logs an error if the present state is no option. */
  readonly roomNames: readonly string[];
  /** The `status` topic of each room: the device is available while one of them is online. */
  readonly statusTopics: readonly string[];
  /** A device tracker per person, for the `person` integration. */
  readonly trackers: boolean;
  readonly version: string;
}

/** Prefix of the unique ids, and identifier of the device. */
const deviceId = (household: string): string => `roomkin_household_${household}`;

/** All components by key. The keys are stable: a component that left the table is removed by its key. */
export function householdComponents(household: DiscoveredHousehold): Readonly<Record<string, Component>> {
  const { topics, people } = household;
  const entity = (key: string, p: string, name: string, rest: Readonly<Record<string, unknown>>): Component => {
    const objectId = `household_${household.id}_${key.replace(/^(place|tracker)_/, '')}`.replaceAll('-', '_');
    return {
      p,
      name,
      uniq_id: `${deviceId(household.id)}_${key}`,
      def_ent_id: `${p}.${objectId}`,
      obj_id: objectId,
      ...rest,
    };
  };
  const components: Record<string, Component> = {
    people_home: entity('people_home', 'sensor', 'People at home', {
      stat_t: topics.summary,
      val_tpl: '{{ value_json.people }}',
      json_attr_t: topics.summary,
      json_attr_tpl: "{{ {'people': value_json.at_home} | tojson }}",
      stat_cla: 'measurement',
      ic: 'mdi:home-account',
    }),
    strangers_home: entity('strangers_home', 'sensor', 'Unknown people at home', {
      stat_t: topics.summary,
      val_tpl: '{{ value_json.strangers }}',
      stat_cla: 'measurement',
      ic: 'mdi:account-question',
    }),
    moves: entity('moves', 'event', 'Moves', {
      stat_t: topics.moves,
      evt_typ: ['moved', 'came_home', 'left_home'],
      ic: 'mdi:home-switch',
    }),
  };
  for (const { id, name } of people) {
    const place = `${topics.places}/${id}`;
    components[`place_${id}`] = entity(`place_${id}`, 'sensor', name, {
      dev_cla: 'enum',
      ops: [...new Set([...household.roomNames, 'away'])],
      stat_t: place,
      val_tpl: "{{ value_json.place if value_json.place is not none else 'None' }}",
      json_attr_t: place,
      json_attr_tpl: "{{ {'person': value_json.person, 'room': value_json.room, 'since': value_json.since} | tojson }}",
      ic: 'mdi:account-search',
    });
    if (!household.trackers) continue;
    // A face can prove "home", but never "not home". During absence the tracker has no state, so it does not count.
    components[`tracker_${id}`] = entity(`tracker_${id}`, 'device_tracker', name, {
      src_type: 'router',
      stat_t: place,
      val_tpl: "{{ 'home' if value_json.room is not none else 'None' }}",
    });
  }
  return components;
}

/** The discovery message of the device with these components. */
export function householdMessage(
  household: DiscoveredHousehold,
  components: Readonly<Record<string, Component>>,
): string {
  const { id, version, statusTopics } = household;
  return JSON.stringify({
    dev: {
      ids: [deviceId(id)],
      name: id === 'home' ? 'Household' : `Household ${id}`,
      mf: 'roomkin',
      mdl: 'Household presence',
      sw: version,
      cu: `${homepage}/blob/main/docs/home-assistant.md#the-household`,
    },
    o: { name: 'roomkin', sw: version, url: `${homepage}/issues` },
    avty: statusTopics.map((t) => ({ t })),
    avty_mode: 'any', // one room that is online can tell
    qos: 1,
    cmps: components,
  });
}

/** The id of the person of a component key; null for a component of nobody. */
export function personOfKey(key: string): PersonId | null {
  return /^(?:place|tracker)_(.+)$/.exec(key)?.[1] ?? null;
}
