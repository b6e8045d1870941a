// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Ballot} from "../../contracts/libraries/Ballots.sol";
import {Role} from "../../contracts/libraries/Roles.sol";
import {Economies} from "./Economies.sol";

/// @dev A coalition pays its own node, pod and frontend, beside honest volume of every kind. Its dollars and its HEU are
///      counted before and after, HEU at what the buyer of the lot paid for a dollar.
contract WashingTest is Economies {
    uint256 internal constant KEY = 0xBADBAD;
    uint32 internal constant OWN_NODE = 7;
    uint32 internal constant OWN_POD = 3;
    uint32 internal constant OWN_FRONTEND = 2;
    uint32 internal constant HOMELESS = 6;
    address internal washer;

    function setUp() public {
        _openEconomy();
        washer = vm.addr(KEY);
        _register(6, 1, 1);
        vm.startPrank(washer);
        registry.registerNode(address(0x77777), washer, bytes32(uint256(7)));
        registry.registerPod(washer, keccak256("washer"));
        registry.registerFrontend(washer, bytes32(uint256(2)));
        vm.stopPrank();
    }

    function test_attack_washingLosesWhereAllHonestVolumeHasFrontendAndHome() public {
        _assertLoses(5_000e6, 100_000e6, 0, true, true);
    }

    /// @dev A call without a frontend burns fifteen cents of a dollar, a washer's burns five.
    function test_attack_washingLosesWhereHonestCallsHaveNoFrontend() public {
        _assertLoses(5_000e6, 100_000e6, 0, false, true);
    }

    /// @dev What nodes without a home settle burns and has no points.
    function test_attack_washingLosesWhereHalfTheVolumeHasNoHome() public {
        _assertLoses(5_000e6, 100_000e6, 100_000e6, true, true);
    }

    function test_attack_aWashedDollarTakesNothingOfABurnWithoutPoints() public {
        _assertLoses(1_000e6, 0, 200_000e6, true, false);
    }

    function test_onlyTheBurnOfRecordedUnitsIsMatched() public {
        uint32 epoch = _begin();
        _honest(1, 60_000e6, true);
        _honest(HOMELESS, 40_000e6, false);
        uint256 burnt = _sellAndRecord(epoch, _ids(1, HOMELESS));
        _finalize(epoch);
        // Five hundredths of the recorded sixty, of a lot with five of a hundred and ten of forty.
        uint256 lot = 5_000e6 + 4_000e6;
        vm.assertEq(burner.lotOf(epoch).amount, lot, "the lot");
        vm.assertEq(burner.burntFor(epoch, 60_000e6), burnt * 3_000e6 / lot, "the burn of the recorded");
        vm.assertEq(burner.burntFor(epoch, 1_000_000e6), burnt, "never more than was burnt");
        vm.assertEq(emission.epochOf(epoch).dynamic, burnt * 3_000e6 / lot * 3_000 / 10_000, "lambda of it");
        vm.assertEq(emission.epochOf(epoch).burnt, burnt, "all of it was burnt");
    }

    // ------------------------------------------------------------------------------------------------- private

    function _honest(uint32 node, uint256 gross, bool frontend) private {
        if (gross == 0) return;
        Draft memory draft = _draft(_line(PAYER, gross));
        draft.nodes = _one(node, gross);
        draft.frontends = _one(frontend ? 1 : 0, gross);
        _settle(_pack(draft));
    }

    function _wash(uint256 gross) private {
        _deposit(KEY, gross);
        Draft memory draft = _draft(_line(KEY, gross));
        draft.nodes = _one(OWN_NODE, gross);
        draft.pods = _one(OWN_POD, gross);
        draft.frontends = _one(OWN_FRONTEND, gross);
        _settle(_pack(draft));
    }

    /// @param boosted Whether it has all votes for nodes; those for its pod it has.
    function _assertLoses(uint256 wash, uint256 atHome, uint256 homeless, bool frontend, bool boosted) private {
        uint32 first = _begin();
        vm.prank(washer);
        emission.setHome(OWN_NODE, router);
        _lock(washer, 1_000e18, _after(52));
        if (boosted) _vote(washer, Ballot.Node, OWN_NODE, 10_000);
        _vote(washer, Ballot.Pod, OWN_POD, 10_000);
        _honest(1, atHome, frontend);
        _honest(HOMELESS, homeless, frontend);
        _sellAndRecord(first, _ids(1, HOMELESS));
        _finalize(first);

        uint32 epoch = first + 1;
        _honest(1, atHome, frontend);
        _honest(HOMELESS, homeless, frontend);
        _wash(wash);
        uint256 burnt = _sellAndRecord(epoch, _ids(1, OWN_NODE));
        votes.closeRevenue(router, OWN_POD);
        _finalize(epoch);

        uint256 worth = _heuOf(burnt, epoch);
        uint256 back = _dollars();
        vm.assertGt(burnt, 0, "a lot was sold");
        vm.assertGt(wash, back + worth, "washing loses");
    }

    /// @return What its emission is worth in dollars at the lot's price.
    function _heuOf(uint256 burnt, uint32 epoch) private returns (uint256) {
        uint256 before = heu.balanceOf(washer);
        emission.claim(_ids(OWN_NODE));
        return (heu.balanceOf(washer) - before) * burner.lotOf(epoch).amount / burnt;
    }

    function _dollars() private returns (uint256) {
        _claim(Role.Node, OWN_NODE);
        _claim(Role.Pod, OWN_POD);
        _claim(Role.Frontend, OWN_FRONTEND);
        vm.prank(washer);
        votes.claimRevenue(router, _ids(OWN_POD), washer);
        return dollar.balanceOf(washer);
    }
}
