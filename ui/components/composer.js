// Puts the cursor into the question field when a chat is opened and when an answer is complete, for then the field was
// switched off and had lost it. Not on a touch screen, where a keyboard would jump up, nor from another place on the page.
const FREE = '[data-testid="stSidebar"] .st-key-places' // "New chat" was just selected there

export default function ({ data: [data], parentElement }) {
  if (parentElement.shown === data.id) return
  parentElement.shown = data.id
  const field = document.querySelector('[data-testid="stChatInputTextArea"]')
  const held = document.activeElement
  const taken = held && held !== document.body && !held.closest(FREE) && !held.closest('[data-testid="stChatInput"]')
  if (!data.ready || !field || taken || !window.matchMedia("(hover: hover)").matches) return
  const enabled = () => field.isConnected && !field.disabled && field.focus({ preventScroll: true })
  requestAnimationFrame(enabled)
}
