/** What an examination found. `attention`: somebody should do something; `note`: somebody should know. */
export interface Finding {
  readonly subject: string
  readonly verdict: 'good' | 'note' | 'attention'
  /** For people: one sentence, and where it is not good, what to do. */
  readonly text: string
  /** The same for programs. */
  readonly details: object
}
