export default function ({ data: [data], parentElement }) {
  const part = (name) => parentElement.querySelector(`.${name}`)
  part("before").replaceChildren(...drawParts(data.before))
  part("after").replaceChildren(...drawParts(data.after))
  const mark = part("text")
  mark.replaceChildren(...drawParts(data.text))
  if (mark.dataset.shown !== data.id) {
    mark.dataset.shown = data.id
    requestAnimationFrame(() => mark.scrollIntoView({ block: "center" }))
  }
}
