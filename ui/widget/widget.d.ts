/** What `widget.js` puts on the page's `window`. */
export interface InhouseChat {
  /** Id of the widget, as in the tag. */
  readonly id: string
  /** Open the chat. */
  open(): void
  /** Close the chat; what was said stays. */
  close(): void
  /** Open the chat and ask. */
  ask(question: string): void
  /**
   * Say who the visitor is: a token that your server signed (single use, see docs/widget.md), or a function that
   * fetches a fresh one whenever it is needed.
   */
  identify(token: string | (() => Promise<string | null>)): void
  /** Hear what happens. Questions and answers themselves are not told. */
  on<Name extends keyof InhouseChatEvents>(name: Name, listener: (detail: InhouseChatEvents[Name]) => void): void
}

export interface InhouseChatEvents {
  ready: Record<string, never>
  open: Record<string, never>
  close: Record<string, never>
  question: Record<string, never>
  answer: { turn: string }
  feedback: { turn: string; rating: 'up' | 'down' | null }
  handover: { id: string }
  /** A visitor allowed a call of a skill, or did not. */
  decision: { turn: string; allowed: boolean }
  /** `code` as in the API's problems, e.g. "limit-reached" or "origin-refused". */
  error: { code: string }
}

declare global {
  interface Window {
    /** The first widget of the page; `all` holds every one by id. */
    InhouseChat?: InhouseChat & { all: Record<string, InhouseChat> }
  }
}
