// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IComputeLedger} from "../../contracts/interfaces/IComputeLedger.sol";
import {IFeeBurner} from "../../contracts/interfaces/IFeeBurner.sol";
import {Epochs} from "../../contracts/libraries/Epochs.sol";
import {Prices} from "../../contracts/libraries/Prices.sol";
import {Economies} from "./Economies.sol";

/// @dev An asset that everybody is rich of and that calls somebody at every transfer.
contract BackCaller {
    address private _target;
    bytes private _data;

    function callBack(address target, bytes calldata data) external {
        (_target, _data) = (target, data);
    }

    function balanceOf(address) external pure returns (uint256) {
        return 1e18;
    }

    function transfer(address, uint256) external returns (bool) {
        // What went wrong there goes wrong here.
        Address.functionCall(_target, _data);
        return true;
    }
}

/// @dev The sale of the protocol's fees: what is in a lot, what it costs, and what can never count as a burn of an epoch.
contract BurnerTest is Economies {
    address internal constant OTHER = address(0x0708);
    uint256 internal constant GROSS = 10_000e6;
    bytes4 internal constant REENTERED = bytes4(keccak256("ReentrancyGuardReentrantCall()"));
    uint32 internal epoch;

    function setUp() public {
        _openEconomy();
        _bond(OTHER, LEAST_ASSET, LEAST_HEU);
        epoch = Epochs.current();
    }

    // ------------------------------------------------------------------------------------------------------ the sale

    function test_theLotIsSoldWholeAndItsHeuBurns() public {
        _lot();
        uint256 supply = heu.totalSupply();
        vm.prank(BUYER);
        (uint256 burnt, uint256 amount) = burner.buy(type(uint256).max, ANN);
        vm.assertEq(amount, _fee(GROSS), "the protocol's part");
        vm.assertEq(burnt, _fee(GROSS) * 2 * PRICE / 1e6, "twice the median in the first second");
        vm.assertEq(dollar.balanceOf(ANN), amount, "to whom the buyer said");
        vm.assertEq(heu.totalSupply(), supply - burnt, "burnt");
        vm.assertEq(burner.burntIn(epoch), burnt, "for the fees of the epoch");
        vm.assertEq(burner.lotOf(epoch).amount, amount, "its lot");
        vm.expectRevert(IFeeBurner.NothingForSale.selector);
        _buy();
        vm.assertEq(burner.priceNow(false), 0, "sold");
    }

    /// @dev An asset that calls back while it moves finds every door shut, whichever it came through.
    function test_66_noDoorOfTheBurnerIsEnteredTwice() public {
        _lot();
        vm.etch(address(dollar), type(BackCaller).runtimeCode);
        bytes memory settle = abi.encodeWithSelector(IFeeBurner.settle.selector);
        bytes[4] memory doors = [
            settle,
            abi.encodeWithSelector(IFeeBurner.gather.selector, OTHER),
            abi.encodeWithSelector(IFeeBurner.buy.selector, type(uint256).max, ANN),
            abi.encodeWithSelector(IFeeBurner.buyCarried.selector, type(uint256).max, ANN)
        ];
        for (uint256 i; i < doors.length; i++) {
            BackCaller(address(dollar)).callBack(address(burner), doors[i]);
            vm.expectRevert(REENTERED);
            vm.prank(BUYER);
            burner.buy(type(uint256).max, ANN);
        }

        BackCaller(address(dollar)).callBack(address(burner), settle);
        _workFor(1, GROSS);
        vm.expectRevert(REENTERED);
        burner.gather(router);

        // The lot that nobody bought is carried.
        _at(epoch, 4 days);
        burner.settle();
        _at(epoch + 1, 1 days);
        vm.expectRevert(REENTERED);
        vm.prank(BUYER);
        burner.buyCarried(type(uint256).max, ANN);
    }

    /// @dev A lot of nothing has no price: bought for nothing again and again it would move the median for free.
    function test_nothingIsNotForSaleEvenWhereEveryLotIsLargeEnough() public {
        address code = vm.deployCode("FeeBurner.sol:FeeBurner", abi.encode(heu, ledger, 0));
        bytes memory initialize =
            abi.encodeWithSignature("initialize(address,uint256)", address(authority), uint256(PRICE));
        IFeeBurner free = IFeeBurner(
            vm.deployCode("UpgradeableProxy.sol:UpgradeableProxy", abi.encode(code, initialize))
        );
        vm.warp(Epochs.startOf(epoch + 1) + 2 days);
        uint256 before = free.median();
        vm.expectRevert(IFeeBurner.NothingForSale.selector);
        vm.prank(BUYER);
        free.buy(type(uint256).max, ANN);
        vm.assertEq(free.median(), before, "the median");
        vm.assertEq(free.priceNow(false), 0, "no price");
    }

    /// @dev Half of it each day, evenly within the day.
    function test_thePriceFallsFromTwiceTheMedianToAQuarterInThreeDays() public {
        _lot();
        uint256[7] memory passed = [uint256(0), 12 hours, 1 days, 36 hours, 2 days, 60 hours, 3 days - 1];
        uint256[7] memory expected =
            [2 * PRICE, PRICE * 3 / 2, PRICE, PRICE * 3 / 4, PRICE / 2, PRICE * 3 / 8, uint256(0)];
        expected[6] = PRICE / 2 - PRICE / 2 * (1 days - 1) / 2 days;
        for (uint256 i; i < 7; i++) {
            _at(epoch, 1 days + passed[i]);
            vm.assertEq(burner.priceNow(false), expected[i], "price");
        }
        vm.assertGe(expected[6], PRICE / 4, "never below a quarter");
        _at(epoch, 4 days);
        vm.assertEq(burner.priceNow(false), 0, "over");
    }

    function testFuzz_theCostIsThePriceOfEveryUnitRoundedUp(uint256 passed, uint256 gross) public {
        passed = bound(passed, 0, 3 days - 1);
        gross = bound(gross, 200e6, 400_000e6);
        _workFor(1, gross);
        _at(epoch, 0);
        burner.gather(router);
        _at(epoch, 1 days + passed);
        uint256 whole = (2 * PRICE) >> (passed / 1 days);
        uint256 price = whole - whole * (passed % 1 days) / 2 days;
        (uint256 burnt, uint256 amount) = _buy();
        vm.assertEq(amount, _fee(gross), "the lot");
        vm.assertEq(burnt, (amount * price + 1e6 - 1) / 1e6, "rounded up");
        vm.assertLe(burner.median(), price < PRICE ? price : PRICE, "the lower of the two prices known");
    }

    function test_theLotIsForSaleInItsThreeDaysAlone() public {
        _lot();
        _at(epoch, 1 days - 1);
        vm.assertEq(burner.priceNow(false), 0, "not yet");
        vm.expectPartialRevert(IFeeBurner.NotOpen.selector);
        _buy();
        _at(epoch, 4 days);
        vm.expectPartialRevert(IFeeBurner.NotOpen.selector);
        _buy();
        _at(epoch, 4 days - 1);
        _buy();
    }

    function test_aBuyerIsChargedNoMoreThanItSaid() public {
        _lot();
        uint256 cost = _fee(GROSS) * 2 * PRICE / 1e6;
        vm.expectRevert(abi.encodeWithSelector(IFeeBurner.TooDear.selector, cost, cost - 1));
        vm.prank(BUYER);
        burner.buy(cost - 1, BUYER);
        vm.expectRevert(IFeeBurner.ZeroAddress.selector);
        vm.prank(BUYER);
        burner.buy(cost, address(0));
        vm.prank(BUYER);
        burner.buy(cost, BUYER);
    }

    function test_whatNobodyBoughtIsCarriedAndItsLastPriceIsKnown() public {
        _lot();
        _at(epoch, 4 days - 1);
        burner.settle();
        vm.assertEq(burner.carried(), 0, "until the last second it is for sale");
        _at(epoch, 4 days);
        burner.settle();
        burner.settle();
        vm.assertEq(burner.carried(), _fee(GROSS), "carried, once");
        vm.assertEq(burner.median(), PRICE / 4, "the lower of the two that are known");
        vm.assertEq(burner.burntIn(epoch), 0, "no burn");
        vm.assertEq(dollar.balanceOf(address(burner)), _fee(GROSS), "it is all there");
    }

    function test_theMedianIsOfTheLastEightPricesTheLowerOfTheMiddle() public {
        uint256[10] memory prices;
        prices[0] = PRICE;
        for (uint256 i; i < 9; i++) {
            _lot();
            _at(epoch, 1 days + i % 3 * 1 days);
            prices[i + 1] = (2 * _median(prices, i + 1)) >> (i % 3);
            (uint256 burnt, uint256 amount) = _buy();
            vm.assertEq(burnt, amount * prices[i + 1] / 1e6, "price");
            vm.assertEq(burner.median(), _median(prices, i + 2), "median");
            epoch = Epochs.current();
        }
    }

    // ----------------------------------------------------------------------------------------- what is in the lot

    function test_thePartOfCallsWithoutAFrontendIsInTheLot() public {
        Draft memory draft = _draft(_line(PAYER, GROSS));
        draft.frontends = _one(0, GROSS);
        _settle(_pack(draft));
        _at(epoch, 0);
        burner.gather(router);
        vm.assertEq(burner.lotOf(epoch).amount, _fee(GROSS) + GROSS * FRONTEND_BPS / 10_000, "and the frontend's");
        vm.assertEq(burner.feeIn(router, epoch), burner.lotOf(epoch).amount, "as the ledger's facts say");
    }

    /// @dev Whoever gathers one router alone changes nothing: the day is everyone's, and no lot is sold before it is over.
    function test_gatheringOneRouterLeavesTheOthersTheirDay() public {
        _workFor(1, GROSS);
        address first = router;
        router = OTHER;
        _deposit(PAYER, GROSS);
        _workFor(1, GROSS / 2);
        _at(epoch, 0);
        burner.gather(first);
        vm.expectPartialRevert(IFeeBurner.NotOpen.selector);
        _buy();
        _at(epoch, 1 days - 1);
        burner.gather(OTHER);
        vm.assertEq(burner.lotOf(epoch).amount, _fee(GROSS) + _fee(GROSS / 2), "both");
    }

    function test_whatIsGatheredAfterTheDayIsCarriedAndNeverABurnOfTheEpoch() public {
        _workFor(1, GROSS);
        _at(epoch, 1 days);
        vm.assertEq(burner.gather(router), _fee(GROSS), "gathered");
        vm.assertEq(burner.lotOf(epoch).amount, 0, "no lot");
        vm.assertEq(burner.carried(), _fee(GROSS), "carried");
        vm.expectRevert(IFeeBurner.NothingForSale.selector);
        _buy();
        _at(epoch + 1, 1 days);
        vm.prank(BUYER);
        (uint256 burnt,) = burner.buyCarried(type(uint256).max, BUYER);
        vm.assertGt(burnt, 0, "sold apart");
        vm.assertEq(burner.burntIn(epoch), 0, "and no burn of the epoch");
    }

    function test_epochsThatNobodyGatheredAreCarriedAndTheLastIsTheLot() public {
        _workFor(1, GROSS);
        _wait(1);
        _workFor(1, GROSS / 4);
        _wait(1);
        _workFor(1, GROSS / 2);
        _at(epoch + 1, 0);
        vm.assertEq(burner.gather(router), _fee(GROSS) + _fee(GROSS / 4), "both that are over");
        vm.assertEq(burner.carried(), _fee(GROSS), "the older");
        vm.assertEq(burner.lotOf(epoch + 1).amount, _fee(GROSS / 4), "the last");
        vm.assertEq(burner.openFrom(router), epoch + 2, "the running one is not gathered");
        vm.assertEq(burner.gather(router), 0, "once");
    }

    /// @dev Collecting early is open to anyone, and moves no fee from its epoch.
    function test_feesThatWereCollectedEarlyAreInTheLotOfTheirEpoch() public {
        _wait(2);
        epoch = Epochs.current();
        _workFor(1, GROSS);
        ledger.collect(router);
        burner.settle();
        burner.gather(router);
        vm.assertEq(burner.lotOf(epoch).amount, 0, "the epoch is not over");
        _at(epoch, 0);
        burner.settle();
        burner.gather(router);
        vm.assertEq(burner.lotOf(epoch).amount, _fee(GROSS), "all of it");
        vm.assertEq(burner.carried(), 0, "nothing unasked");
        _at(epoch, 1 days);
        _workFor(1, GROSS / 2);
        ledger.collect(router);
        burner.settle();
        _at(epoch + 1, 0);
        burner.gather(router);
        vm.assertEq(burner.lotOf(epoch + 1).amount, _fee(GROSS / 2), "what was asked for before is not swept again");
    }

    /// @dev A week in which nobody gathered: what was collected early is carried, and is not there to be gathered again.
    function test_whatWasSweptIsNotGatheredAgain() public {
        _wait(2);
        epoch = Epochs.current();
        _workFor(1, GROSS);
        ledger.collect(router);
        burner.settle();
        _at(epoch + 1, 0);
        burner.settle();
        vm.assertEq(burner.carried(), _fee(GROSS), "swept");
        vm.assertEq(burner.gather(router), 0, "no second time");
        vm.assertEq(burner.carried(), _fee(GROSS), "once");
        epoch = Epochs.current();
        _lot();
        (, uint256 amount) = _buy();
        vm.assertEq(amount, _fee(GROSS), "the next lot is whole");
    }

    function test_withoutPodVotersTheirPartIsTheProtocols() public {
        IComputeLedger.Terms memory terms = _terms();
        terms.burner = _made(3);
        (ledger, bonds) = _newLedger(terms, 0, 0);
        heu.approve(address(bonds), 1);
        bonds.deposit(router, 0, 1);
        address code = vm.deployCode("FeeBurner.sol:FeeBurner", abi.encode(heu, ledger, LEAST_LOT));
        burner = IFeeBurner(_proxy(code, abi.encodeWithSignature("initialize(address,uint256)", authority, PRICE)));
        vm.assertEq(address(burner), terms.burner, "where the ledger pays it");
        _deposit(PAYER, GROSS);
        _workFor(1, GROSS);
        _at(epoch, 0);
        burner.gather(router);
        vm.assertEq(burner.lotOf(epoch).amount, _fee(GROSS) + GROSS * VOTER_BPS / 10_000, "all that was collected");
        vm.assertEq(dollar.balanceOf(address(burner)), burner.lotOf(epoch).amount, "nothing unasked");
    }

    function test_noPriceIsZeroHoweverLowItFell() public pure {
        vm.assertEq(Prices.falling(1, 3 days, 1 days), 1, "one at least");
        vm.assertEq(Prices.falling(8, 1 days, 1 days), 4, "half");
    }

    function test_giftsAreInNoLotAndAreCarriedWhenNobodyAskedForThemInTwoEpochs() public {
        _mint(address(burner), 1_000e6);
        _lot();
        vm.assertEq(burner.lotOf(epoch).amount, _fee(GROSS), "no gift in it");
        _buy();
        vm.assertEq(burner.carried(), 0, "not yet");
        _at(epoch, 7 days);
        burner.settle();
        _at(epoch, 14 days);
        burner.settle();
        _at(epoch, 28 days);
        burner.settle();
        vm.assertEq(burner.carried(), 1_000e6, "carried");
    }

    /// @dev What the burner gets of a pod that nobody votes for comes unasked.
    function test_whatVotersDidNotEarnIsCarried() public {
        _workFor(1, GROSS);
        _at(epoch, 0);
        votes.closeRevenue(router, 1);
        burner.gather(router);
        uint256 revenue = GROSS * VOTER_BPS / 10_000;
        vm.assertEq(dollar.balanceOf(address(burner)), _fee(GROSS) + revenue, "all of it came");
        vm.assertEq(burner.lotOf(epoch).amount, _fee(GROSS), "but not into the lot");
        _at(epoch, 14 days);
        burner.settle();
        _at(epoch, 28 days);
        burner.settle();
        vm.assertEq(burner.carried(), _fee(GROSS) + revenue, "unsold and unasked");
    }

    function test_aLotTooSmallIsCarriedAndItsPriceSaysNothing() public {
        _workFor(1, 20 * (LEAST_LOT - 1));
        _at(epoch, 0);
        burner.gather(router);
        vm.assertEq(burner.lotOf(epoch).amount, LEAST_LOT - 1, "one too little");
        _at(epoch, 2 days);
        vm.assertEq(burner.priceNow(false), 0, "not for sale");
        vm.expectRevert(IFeeBurner.NothingForSale.selector);
        _buy();
        _at(epoch, 4 days);
        burner.settle();
        vm.assertEq(burner.carried(), LEAST_LOT - 1, "carried");
        vm.assertEq(burner.median(), PRICE, "no dust moves the median");
    }

    function test_theLeastLotIsForSale() public {
        _workFor(1, 20 * LEAST_LOT);
        _at(epoch, 0);
        burner.gather(router);
        _at(epoch, 2 days);
        (, uint256 amount) = _buy();
        vm.assertEq(amount, LEAST_LOT, "bought");
    }

    /// @dev A router that first works two years on is gathered in two calls.
    function test_atMost104EpochsAreGatheredAtOnce() public {
        _at(epoch + 110, 0);
        _workFor(1, GROSS);
        uint32 worked = Epochs.current();
        _at(worked, 0);
        vm.assertEq(burner.gather(router), 0, "the first 104");
        vm.assertEq(burner.openFrom(router), epoch + 104, "so far");
        vm.assertEq(burner.gather(router), _fee(GROSS), "the rest");
        vm.assertEq(burner.lotOf(worked).amount, _fee(GROSS), "in time");
    }

    // ---------------------------------------------------------------------------------------------- what is carried

    function test_theCarriedLotFallsToA32ndAndMovesNoMedian() public {
        _workFor(1, GROSS);
        _at(epoch, 2 days);
        burner.gather(router);
        _at(epoch + 1, 1 days);
        uint256 price = 2 * PRICE;
        for (uint256 i; i < 6; i++) {
            vm.assertEq(burner.priceNow(true), price, "half after each twelve hours");
            vm.warp(block.timestamp + 12 hours - (i == 5 ? 1 : 0));
            price /= 2;
        }
        vm.assertGe(burner.priceNow(true), PRICE / 32, "a 32nd in the end");
        vm.prank(BUYER);
        (uint256 burnt, uint256 amount) = burner.buyCarried(type(uint256).max, BUYER);
        vm.assertEq(amount, _fee(GROSS), "all of it");
        vm.assertLe(burnt, amount * PRICE / 31 / 1e6, "cheap");
        vm.assertEq(burner.median(), PRICE, "the median is the lots' alone");
        vm.assertEq(burner.priceNow(true), 0, "sold");
        vm.expectRevert(IFeeBurner.NothingForSale.selector);
        vm.prank(BUYER);
        burner.buyCarried(type(uint256).max, BUYER);
    }

    function test_theCarriedLotIsSoldInTheSameDaysAndAtNoMoreThanItsBuyerSaid() public {
        _workFor(1, GROSS);
        _at(epoch, 4 days);
        burner.gather(router);
        vm.assertEq(burner.priceNow(true), 0, "closed");
        vm.expectPartialRevert(IFeeBurner.NotOpen.selector);
        vm.prank(BUYER);
        burner.buyCarried(type(uint256).max, BUYER);
        _at(epoch + 1, 1 days);
        vm.expectPartialRevert(IFeeBurner.TooDear.selector);
        vm.prank(BUYER);
        burner.buyCarried(1, BUYER);
        vm.expectRevert(IFeeBurner.ZeroAddress.selector);
        vm.prank(BUYER);
        burner.buyCarried(type(uint256).max, address(0));
    }

    function test_aRouterIsGatheredOnceInAnEpoch() public {
        _workFor(1, GROSS);
        _at(epoch, 0);
        burner.gather(router);
        _mint(address(burner), 1_000e6);
        vm.assertEq(burner.gather(router), 0, "nothing of a gift");
        vm.assertEq(burner.lotOf(epoch).amount, _fee(GROSS), "its fees, once");
    }

    /// @dev An asset that takes a unit away from its holders: the lot is what is left of the fees, and sells.
    function test_65_aLotIsNeverMoreThanWhatIsThere() public {
        _workFor(1, GROSS);
        ledger.collect(router);
        vm.prank(address(burner));
        dollar.transfer(ANN, 1);
        _at(epoch, 0);
        burner.gather(router);
        vm.assertEq(burner.lotOf(epoch).amount, _fee(GROSS) - 1, "what is there");
        _at(epoch, 1 days);
        _buy();
        vm.assertEq(dollar.balanceOf(address(burner)), 0, "all of it is sold");
    }

    /// @dev What was paid for the present epoch is of its own lot, however late the others are.
    function test_aLateGatherTakesNothingOfThePresentEpoch() public {
        _workFor(1, GROSS);
        ledger.collect(router);
        _at(epoch, 2 days);
        _workFor(1, GROSS / 2);
        vm.assertEq(burner.gather(router), 0, "what was collected before is carried as unasked");
        _at(epoch + 1, 0);
        burner.gather(router);
        vm.assertEq(burner.lotOf(epoch + 1).amount, _fee(GROSS / 2), "the lot of its own epoch");
        _at(epoch + 2, 0);
        burner.settle();
        _at(epoch + 4, 0);
        burner.settle();
        vm.assertEq(burner.carried(), _fee(GROSS) + _fee(GROSS / 2), "the unsold lot and the unasked");
    }

    /// @dev Whatever it is that comes when a sale is open: fees that are late, money that nobody asked for, an old lot.
    function test_whatComesInASaleIsForSaleInTheNext() public {
        _workFor(1, GROSS);
        _mint(address(burner), 1_000e6);
        _at(epoch, 0);
        burner.gather(router);
        burner.settle();
        _at(epoch + 2, 1 days - 1);
        burner.settle();
        vm.assertEq(burner.carriedForSale(), _fee(GROSS), "the old lot came before the sale");
        uint256 late = _fee(GROSS) * 2;
        _workFor(1, 2 * GROSS);
        _at(epoch + 3, 1 days);
        burner.gather(router);
        vm.assertEq(burner.carried(), _fee(GROSS) + late, "carried");
        vm.assertEq(burner.carriedForSale(), _fee(GROSS), "the late ones are not for sale yet");
        vm.prank(BUYER);
        (, uint256 amount) = burner.buyCarried(type(uint256).max, BUYER);
        vm.assertEq(amount, _fee(GROSS), "what came before");
        vm.expectRevert(IFeeBurner.NothingForSale.selector);
        vm.prank(BUYER);
        burner.buyCarried(type(uint256).max, BUYER);
        vm.assertEq(burner.priceNow(true), 0, "no price");
        _at(epoch + 4, 1 days);
        vm.assertEq(burner.carriedForSale(), late, "now they are");
        vm.assertEq(burner.priceNow(true), 2 * burner.median(), "from the first price on");
        vm.prank(BUYER);
        (, amount) = burner.buyCarried(type(uint256).max, BUYER);
        vm.assertGe(amount, late, "sold");
    }

    function test_aCarriedSaleLeavesTheLotWhole() public {
        _workFor(1, GROSS);
        _at(epoch, 2 days);
        burner.gather(router);
        epoch = Epochs.current();
        _lot();
        vm.prank(BUYER);
        (, uint256 amount) = burner.buyCarried(type(uint256).max, BUYER);
        vm.assertEq(amount, _fee(GROSS), "the carried");
        (, amount) = _buy();
        vm.assertEq(amount, _fee(GROSS), "the lot");
        vm.assertEq(dollar.balanceOf(address(burner)), 0, "both are sold");
        epoch = Epochs.current();
        _lot();
        vm.assertEq(burner.lotOf(epoch).amount, _fee(GROSS), "and the next is gathered");
    }

    // ---------------------------------------------------------------------------------------------------- private

    /// @dev The epoch's calls make a lot, and its sale begins.
    function _lot() private {
        _workFor(1, GROSS);
        _at(epoch, 0);
        burner.gather(router);
        _at(epoch, 1 days);
    }

    /// @dev Of the last eight of the first `count`: the one with as many below or equal as makes it the lower middle.
    function _median(uint256[10] memory prices, uint256 count) private pure returns (uint256) {
        uint256 from = count > 8 ? count - 8 : 0;
        uint256 rank = (count - from - 1) / 2;
        for (uint256 i = from; i < count; i++) {
            (uint256 less, uint256 same) = (0, 0);
            for (uint256 j = from; j < count; j++) {
                if (prices[j] < prices[i]) less++;
                if (prices[j] == prices[i]) same++;
            }
            if (less <= rank && rank < less + same) return prices[i];
        }
        return 0;
    }
}

/// @dev A median of one wei: the price never falls to nothing, for which anybody would take the fees.
contract BurnerLeastPriceTest is Economies {
    function test_theLeastPriceIsOneWei() public {
        _openEconomy(1);
        uint32 epoch = Epochs.current();
        _workFor(1, 10_000e6);
        _at(epoch, 2 days);
        burner.gather(router);
        vm.warp(Epochs.startOf(epoch + 2) + 4 days - 1);
        vm.assertEq(burner.priceNow(true), 1, "twice a wei, halved six times");
        vm.prank(BUYER);
        (uint256 burnt,) = burner.buyCarried(type(uint256).max, BUYER);
        vm.assertEq(burnt, _fee(10_000e6) / 1e6, "a wei for each dollar");
    }
}
