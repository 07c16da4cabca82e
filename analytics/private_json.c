#include "analytics/private_json.h"

json_t *private_json(struct tree *tree, const struct plan *plan)
{
    if (!plan_private(plan)) return NULL;
    json_t *privacy = json_object();
    tree_put(tree, privacy, "epsilon", tree_real(plan->privacy.epsilon));
    tree_put(tree, privacy, "delta", tree_real(plan->privacy.delta));
    tree_put(tree, privacy, "rho", tree_real(plan->privacy.rho));
    tree_put(tree, privacy, "unit", json_string("customer"));
    tree_put(tree, privacy, "neighbours", json_string("one row added or removed"));
    tree_put(tree, privacy, "noise_sd", json_object());
    return privacy;
}

struct result private_json_noise(struct tree *tree, json_t *privacy, const struct plan *plan, unsigned banks,
                                 const struct layout *layout)
{
    json_t *noise = json_object_get(privacy, "noise_sd");
    for (size_t i = 0; i < layout->fields_count; i++) {
        double sd = 0;
        if (layout->fields[i].length == 0) continue;
        TRY(private_noise(plan, &layout->fields[i], banks, &sd));
        tree_put(tree, noise, layout->fields[i].name, tree_real(sd));
    }
    return RESULT_OK;
}
