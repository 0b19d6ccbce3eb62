// Made of schema/event.schema.json by "npm run types".

export type Secret = string | Sealed;

/**
 * One thing that happened at an identity provider: one shape for every provider. Members that do not apply are absent. Members that are not listed here may come: ignore them.
 */
export interface Event {
  /**
   * The provider's ID of the event, unique within its source.
   */
  id: string;
  /**
   * What happened: category.verb.
   */
  action: string;
  /**
   * The configured instance of a provider.
   */
  source: string;
  /**
   * The product that sent the event.
   */
  provider: string;
  /**
   * The provider's own spelling of the action.
   */
  native: string;
  /**
   * When it happened; where the provider sends no time, when it was received.
   */
  time: string;
  /**
   * When Forebay received it, in milliseconds.
   */
  received: string;
  /**
   * How it ended. A command's is unknown.
   */
  outcome: "success" | "failure" | "unknown";
  /**
   * A notice says that something happened; a command asks somebody to act.
   */
  semantics: "notice" | "command";
  /**
   * Who did it.
   */
  actor?: {
    type: "user" | "admin" | "application" | "policy" | "system";
    id?: string;
    name?: string;
    [k: string]: unknown;
  };
  user?: User;
  /**
   * A one-time code that is to be made and delivered.
   */
  otp?: {
    id?: string;
    channel?: string;
    /**
     * A mail address or an E.164 number.
     */
    to?: string;
    /**
     * The address, masked for display.
     */
    hint?: string;
    purpose?: string;
    [k: string]: unknown;
  };
  token?: Token;
  session?: Session;
  organization?: Thing;
  application?: Thing;
  /**
   * What a user proves their identity with.
   */
  credential?: {
    /**
     * A word of CAEP's list, else the provider's in lower case.
     */
    type?: string;
    id?: string;
    name?: string;
    [k: string]: unknown;
  };
  role?: Thing;
  group?: Thing;
  connection?: Thing;
  directory?: Thing;
  domain?: Thing;
  device?: Thing;
  consent?: Thing;
  permission?: Thing;
  /**
   * All sessions, where there are several; session is the first.
   */
  sessions?: Session[];
  /**
   * All tokens, where there are several; token is the first.
   */
  tokens?: Token[];
  /**
   * All applications, where there are several; application is the first.
   */
  applications?: Thing[];
  /**
   * All users, where there are several; user is the first.
   */
  members?: User1[];
  /**
   * Names of members of user, or of what the action is about. A name that is listed and absent from user was removed.
   */
  changes?: string[];
  reason?: string;
  /**
   * Where the request came from that caused the event.
   */
  client?: {
    /**
     * As the provider sent it, perhaps masked.
     */
    ip?: string;
    user_agent?: string;
    [k: string]: unknown;
  };
  /**
   * The signed token that the delivery was; where something in payload is sealed, a compact JWE of it.
   */
  jws?: string;
  /**
   * The provider's own JSON for this event: its bytes as they came, sealed members aside.
   */
  payload: {
    [k: string]: unknown;
  };
  [k: string]: unknown;
}
/**
 * The account that the event is about.
 */
export interface User {
  id?: string;
  preferred_username?: string;
  name?: string;
  given_name?: string;
  middle_name?: string;
  family_name?: string;
  nickname?: string;
  profile?: string;
  picture?: string;
  website?: string;
  email?: string;
  email_verified?: boolean;
  gender?: string;
  birthdate?: string;
  zoneinfo?: string;
  locale?: string;
  phone_number?: string;
  phone_number_verified?: boolean;
  address?: {
    formatted?: string;
    street_address?: string;
    locality?: string;
    region?: string;
    postal_code?: string;
    country?: string;
    [k: string]: unknown;
  };
  password?: Secret;
  /**
   * Claims that have no standard name: any value, also a sealed one.
   */
  custom?: {
    [k: string]: unknown;
  };
  [k: string]: unknown;
}
/**
 * A value that was encrypted to the operator's key: a compact JWE, ECDH-ES with A256GCM. With "cty": "json" in its header it holds JSON, else text.
 */
export interface Sealed {
  sealed: string;
  [k: string]: unknown;
}
/**
 * A token that was issued, refreshed or revoked.
 */
export interface Token {
  id?: string;
  /**
   * In clear only where the token is no longer a secret.
   */
  value?: string | Sealed;
  type?: string;
  grant_type?: string;
  scopes?: string[];
  [k: string]: unknown;
}
export interface Session {
  id: string;
  [k: string]: unknown;
}
export interface Thing {
  id?: string;
  name?: string;
  [k: string]: unknown;
}
/**
 * OpenID Connect's standard claims under their standard names.
 */
export interface User1 {
  id?: string;
  preferred_username?: string;
  name?: string;
  given_name?: string;
  middle_name?: string;
  family_name?: string;
  nickname?: string;
  profile?: string;
  picture?: string;
  website?: string;
  email?: string;
  email_verified?: boolean;
  gender?: string;
  birthdate?: string;
  zoneinfo?: string;
  locale?: string;
  phone_number?: string;
  phone_number_verified?: boolean;
  address?: {
    formatted?: string;
    street_address?: string;
    locality?: string;
    region?: string;
    postal_code?: string;
    country?: string;
    [k: string]: unknown;
  };
  password?: Secret;
  /**
   * Claims that have no standard name: any value, also a sealed one.
   */
  custom?: {
    [k: string]: unknown;
  };
  [k: string]: unknown;
}
