// Calls the service with openapi-fetch and the types that openapi-typescript generated, and prints the results.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";
import { BEER, RECIPE } from "./readme";

declare const process: { argv: string[] };
const [url, key, picture] = process.argv.slice(2);

type Schemas = components["schemas"];

async function main() {
  const client = createClient<paths>({ baseUrl: url, headers: { "X-API-Key": key } });
  const stranger = createClient<paths>({ baseUrl: url, headers: { "X-API-Key": "wrong" } });

  const beer = await client.POST("/predict", { body: BEER });
  const prediction: Schemas["Prediction"] = beer.data!;
  const recipe = await client.POST("/predict", { body: RECIPE });
  const explanation: Schemas["Explanation"] = recipe.data!.explanation!;
  const shares: number[] = explanation.contributions.map((each) => each.ibu);
  const batch = await client.POST("/predict/batch", { body: { beers: [BEER, { ...RECIPE, explain: false }] } });
  const predictions: Schemas["Prediction"][] = batch.data!.predictions;
  const invalid = await client.POST("/predict", { body: { ...BEER, ebc: -1 } });
  const fields: string[] = invalid.error!.errors!.map((each) => each.field);
  const refused = await stranger.POST("/predict", { body: BEER });
  const code: string = refused.error!.code;
  const flower = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 };
  const iris = await client.POST("/iris/predict", { body: flower });
  const species: string = iris.data!.species;
  const pet = await client.POST("/pets/predict", { body: { image_b64: picture } });
  const animal: "cat" | "dog" = pet.data!.pet;
  const model = await client.GET("/model", { params: { query: { name: "beer-ibu" } } });
  const units: string[] = model.data!.inputs.map((each) => each.unit);
  const health = await client.GET("/health/live");
  const status: "live" | "ready" = health.data!.status;
  const tensor = { name: "features", datatype: "FP32", shape: [1, 4], data: [5.1, 3.5, 1.4, 0.2] };
  const infer = await client.POST("/v2/models/{model}/infer", {
    params: { path: { model: "iris" } },
    body: { inputs: [tensor], outputs: [{ name: "class_id" }] },
  });
  const data: number[] = infer.data!.outputs[0].data!;
  const missing = await client.GET("/v2/models/{model}", { params: { path: { model: "nothing" } } });
  const sentence: string = missing.error!.error;

  console.log(JSON.stringify({
    prediction, recipe: recipe.data, sum: shares.reduce((sum, share) => sum + share, explanation.base_value),
    predictions, invalid: [invalid.response.status, fields], refused: [refused.response.status, code],
    species, animal, units, status, data, sentence,
  }));
}

main();
