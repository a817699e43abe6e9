// Made by scripts/page_types.sh: run it after changing a schema of the beer's routes.
// Schemas: a5e2025f082922c51ef81f3360c8a5394ebeaf155d528537ff9476ed365b4d4b
export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AdditionEstimates: {
            field: string;
            garetz: number;
            model: number;
            name: string;
            physical: number;
            rager: number;
            reason?: string;
            tinseth: number;
        };
        Assumption: {
            field: string;
            reason: string;
            unit: string;
            value: number;
        };
        Beer: {
            abv?: number | null;
            batch_volume_gal?: number | null;
            batch_volume_l?: number;
            boil_volume_gal?: number | null;
            boil_volume_l?: number | null;
            coverage?: number[] | null;
            ebc?: number | null;
            explain?: boolean;
            hops?: components["schemas"]["Hop"][] | null;
            malts?: components["schemas"]["Malt"][] | null;
            ph?: number | null;
            quantiles?: number | null;
            reference?: components["schemas"]["ReferenceBeer"][] | null;
            srm?: number | null;
            style?: string | null;
            target_fg?: number;
            target_fg_plato?: number | null;
            target_og?: number;
            target_og_plato?: number | null;
            yeast?: string | null;
        };
        BeerJsonNote: {
            code: string;
            field: string;
            message: string;
        };
        BeerJsonRecipe: {
            document: {
                [key: string]: unknown;
            };
            notes: components["schemas"]["BeerJsonNote"][];
        };
        BeerStyle: {
            abv?: components["schemas"]["FigureRange"];
            code: string;
            fg?: components["schemas"]["FigureRange"];
            ibu?: components["schemas"]["FigureRange"];
            name: string;
            og?: components["schemas"]["FigureRange"];
            other_names: string[];
            source: string;
            srm?: components["schemas"]["FigureRange"];
        };
        Beers: {
            beers: components["schemas"]["Beer"][];
            coverage?: number[] | null;
            quantiles?: number | null;
            reference?: components["schemas"]["ReferenceBeer"][] | null;
        };
        BitternessTarget: {
            bu_gu?: number | null;
            ibu?: number | null;
            own_style?: boolean;
            style?: string | null;
        };
        CleaningStep: {
            /** @enum {string} */
            action: "dropped" | "changed";
            description: string;
            rows_affected: number;
            rows_after: number;
            rows_before: number;
            rule: string;
        };
        Contribution: {
            assumed: string[];
            group: string;
            ibu: number;
            inputs: string[];
            text: string;
        };
        /** @enum {string} */
        Datatype: "BOOL" | "UINT8" | "INT32" | "INT64" | "FP32" | "FP64" | "BYTES";
        Estimates: {
            garetz?: number;
            physical: number;
            rager?: number;
            tinseth: number;
        };
        Explanation: {
            additions?: components["schemas"]["AdditionEstimates"][];
            base_value: number;
            contributions: components["schemas"]["Contribution"][];
            untold?: components["schemas"]["UntoldPart"][];
        };
        FieldProblem: {
            code: string;
            field: string;
            reason: string;
        };
        FigureRange: {
            high: number;
            low: number;
        };
        Hop: {
            age_months?: number | null;
            alpha_acid?: number | null;
            alpha_acid_high?: number | null;
            alpha_acid_low?: number | null;
            alpha_loss?: number | null;
            amount_g?: number;
            amount_oz?: number | null;
            boil_minutes?: number | null;
            form?: components["schemas"]["HopForm"] | null;
            name: string;
            packaging?: components["schemas"]["HopPackaging"] | null;
            stage?: components["schemas"]["HopStage"] | null;
            stand_minutes?: number | null;
            storage_temperature_c?: number | null;
            storage_temperature_f?: number | null;
            temperature_c?: number | null;
            temperature_f?: number | null;
        };
        /** @enum {string} */
        HopForm: "pellet" | "cone" | "extract" | "cryo";
        /** @enum {string} */
        HopKind: "cone" | "extract";
        /** @enum {string} */
        HopPackaging: "open" | "airtight" | "vacuum";
        /** @enum {string} */
        HopStage: "mash" | "first_wort" | "start" | "middle" | "end" | "whirlpool" | "dry_hop";
        /** @enum {string} */
        HopUse: "aroma" | "bittering" | "both";
        HopVariety: {
            alpha_high: number;
            alpha_low: number;
            alpha_typical: number;
            kind: components["schemas"]["HopKind"];
            name: string;
            other_names: string[];
            source: string;
            substitutes: string[];
            use?: components["schemas"]["HopUse"];
        };
        InputWarning: {
            code: string;
            field?: string;
            message: string;
        };
        Interval: {
            coverage: number;
            lower: number;
            upper: number;
        };
        Malt: {
            amount_kg?: number;
            amount_lb?: number | null;
            name: string;
        };
        ModelDescription: {
            coverage: number | null;
            description: string;
            /** @constant */
            format_version: 1;
            inputs: components["schemas"]["ModelInput"][];
            libraries: {
                [key: string]: string;
            };
            metrics: components["schemas"]["ModelMetrics"];
            name: string;
            outputs: components["schemas"]["ModelOutput"][];
            packed: string | null;
            training_data: components["schemas"]["TrainingData"];
            version: string;
        };
        ModelInput: {
            datatype: components["schemas"]["Datatype"];
            deciles: number[] | null;
            description: string;
            name: string;
            optional: boolean;
            shape: number[];
            trained_range: [
                number,
                number
            ] | null;
            unit: string;
        };
        ModelMetrics: {
            protocol: string;
            values: {
                [key: string]: unknown;
            };
        };
        ModelOutput: {
            datatype: components["schemas"]["Datatype"];
            description: string;
            name: string;
            shape: number[];
            unit: string;
        };
        ModelVersion: {
            name: string;
            version: string;
        };
        NamedBeer: {
            beer: components["schemas"]["Beer"];
            name?: string;
        };
        Prediction: {
            assumptions?: components["schemas"]["Assumption"][];
            bu_gu?: number;
            estimates?: components["schemas"]["Estimates"];
            explanation?: components["schemas"]["Explanation"];
            ibu: number;
            interval: components["schemas"]["Interval"];
            intervals?: components["schemas"]["Interval"][];
            model: components["schemas"]["ModelVersion"];
            quantiles?: number[];
            reference?: components["schemas"]["ReferenceShift"];
            style?: components["schemas"]["StyleMatch"];
            warnings: components["schemas"]["InputWarning"][];
        };
        Predictions: {
            predictions: components["schemas"]["Prediction"][];
            warnings?: components["schemas"]["InputWarning"][];
        };
        ProblemDetails: {
            code: string;
            detail: string;
            errors?: components["schemas"]["FieldProblem"][];
            status: number;
            title: string;
            type: string;
        };
        Question: {
            beer: components["schemas"]["UnweighedBeer"];
            by?: components["schemas"]["SolvedBy"];
            lower_g?: number | null;
            lower_oz?: number | null;
            move?: number[] | null;
            step_g?: number | null;
            step_oz?: number | null;
            target: components["schemas"]["BitternessTarget"];
            upper_g?: number | null;
            upper_oz?: number | null;
        };
        QuestionProblem: {
            code: string;
            field: string;
            reason: string;
        };
        Questions: {
            questions: components["schemas"]["Question"][];
        };
        ReachableBitterness: {
            lower: number;
            upper: number;
        };
        RecipeAnswer: {
            beer?: components["schemas"]["Beer"];
            errors?: components["schemas"]["RecipeProblem"][];
            name?: string;
            notes: components["schemas"]["RecipeNote"][];
            prediction?: components["schemas"]["Prediction"];
            stated_ibu?: number;
        };
        RecipeAnswers: {
            recipes: components["schemas"]["RecipeAnswer"][];
        };
        RecipeFileForm: {
            file: string;
        };
        RecipeNote: {
            code: string;
            message: string;
            path: string;
        };
        RecipeProblem: {
            code: string;
            path: string;
            reason: string;
        };
        ReferenceBeer: {
            abv?: number | null;
            batch_volume_gal?: number | null;
            batch_volume_l?: number;
            boil_volume_gal?: number | null;
            boil_volume_l?: number | null;
            ebc?: number | null;
            hops?: components["schemas"]["Hop"][] | null;
            ibu: number;
            malts?: components["schemas"]["Malt"][] | null;
            ph?: number | null;
            srm?: number | null;
            style?: string | null;
            target_fg?: number;
            target_fg_plato?: number | null;
            target_og?: number;
            target_og_plato?: number | null;
            yeast?: string | null;
        };
        ReferenceShift: {
            beers: number;
            ibu: number;
        };
        Solution: {
            estimates: components["schemas"]["Estimates"];
            hops: components["schemas"]["Hop"][];
            ibu: number;
            ibu_per_gram: number;
            /** @enum {string} */
            method: "curve" | "physical_shape";
            moved: number[];
            prediction: components["schemas"]["Prediction"];
            reachable: components["schemas"]["ReachableBitterness"];
            style?: components["schemas"]["StyleMatch"];
            target_ibu?: number;
        };
        SolutionOrProblems: {
            errors?: components["schemas"]["QuestionProblem"][];
            solution?: components["schemas"]["Solution"];
        };
        Solutions: {
            answers: components["schemas"]["SolutionOrProblems"][];
        };
        /** @enum {string} */
        SolvedBy: "model" | "physical" | "tinseth" | "rager" | "garetz";
        StyleBitterness: {
            high: number;
            inside: boolean;
            low: number;
            probability: number;
        };
        StyleMatch: {
            bitterness?: components["schemas"]["StyleBitterness"];
            code: string;
            name: string;
        };
        Styles: {
            edition: string;
            styles: components["schemas"]["BeerStyle"][];
        };
        TrainingData: {
            cleaning: components["schemas"]["CleaningStep"][];
            licence: string;
            origin: string;
            rows_read: number;
            rows_used: number;
            sha256: string;
            source: string;
        };
        UntoldPart: {
            group: string;
            inputs: string[];
            mean_error: number;
            mean_error_told: number;
            text: string;
        };
        UnweighedBeer: {
            abv?: number | null;
            batch_volume_gal?: number | null;
            batch_volume_l?: number;
            boil_volume_gal?: number | null;
            boil_volume_l?: number | null;
            coverage?: number[] | null;
            ebc?: number | null;
            explain?: boolean;
            hops: components["schemas"]["UnweighedHop"][];
            malts?: components["schemas"]["Malt"][] | null;
            ph?: number | null;
            quantiles?: number | null;
            reference?: components["schemas"]["ReferenceBeer"][] | null;
            srm?: number | null;
            style?: string | null;
            target_fg?: number;
            target_fg_plato?: number | null;
            target_og?: number;
            target_og_plato?: number | null;
            yeast?: string | null;
        };
        UnweighedHop: {
            age_months?: number | null;
            alpha_acid?: number | null;
            alpha_acid_high?: number | null;
            alpha_acid_low?: number | null;
            alpha_loss?: number | null;
            amount_g?: number;
            amount_oz?: number | null;
            boil_minutes?: number | null;
            form?: components["schemas"]["HopForm"] | null;
            name: string;
            packaging?: components["schemas"]["HopPackaging"] | null;
            stage?: components["schemas"]["HopStage"] | null;
            stand_minutes?: number | null;
            storage_temperature_c?: number | null;
            storage_temperature_f?: number | null;
            temperature_c?: number | null;
            temperature_f?: number | null;
        };
        Varieties: {
            varieties: components["schemas"]["HopVariety"][];
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
