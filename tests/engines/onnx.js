/* Scores rows with an ONNX model: node onnx.js MODEL.onnx <inputs.json >outputs.json
 * inputs: {name: [number, null or text, ...]}; outputs: {name: [[number or null, ...], ...]}, a list for each row. */
const fs = require("fs");
const ort = require("onnxruntime-node");

async function main() {
    const inputs = JSON.parse(fs.readFileSync(0, "utf8"));
    const session = await ort.InferenceSession.create(process.argv[2]);
    const feeds = {};
    for (const name of session.inputNames) {
        const values = inputs[name];
        const texts = values.some((value) => typeof value === "string");
        feeds[name] = texts
            ? new ort.Tensor("string", values, [values.length, 1])
            : new ort.Tensor("float64", Float64Array.from(values, (value) => (value === null ? NaN : value)), [values.length, 1]);
    }
    const outputs = {};
    for (const [name, tensor] of Object.entries(await session.run(feeds))) {
        const [rows, width] = tensor.dims;
        const all = Array.from(tensor.data, (value) => (Number.isNaN(value) ? null : value));
        outputs[name] = Array.from({ length: rows }, (_, row) => all.slice(row * width, (row + 1) * width));
    }
    fs.writeFileSync(1, JSON.stringify(outputs));
}
main().catch((error) => {
    console.error(error.message);
    process.exit(1);
});
