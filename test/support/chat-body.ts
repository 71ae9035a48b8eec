/** The body of a raw request: one message to the simulator. */
export const chat = (content: string, more: object = {}) => ({
  model: 'simulator',
  messages: [{ role: 'user', content }],
  max_tokens: 30,
  ...more,
})
